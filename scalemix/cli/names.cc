#include "scalemix/cli/names.h"

#include "scalemix/base/check.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/reproduce/entry.h"
#include "scalemix/compress/rule.h"
#include "scalemix/data/registry.h"
#include "scalemix/kernel/activation.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/architecture.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/method.h"
#include "scalemix/model/parameter_schedule.h"
#include "scalemix/optim/rule.h"
#include "scalemix/prior/prior.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

ordered_json row(std::string_view name, std::string_view summary, std::string_view source) {
  return {{"name", name}, {"summary", summary}, {"source", source}};
}

ordered_json parameters_of(std::span<const Parameter> parameters) {
  ordered_json out = ordered_json::array();
  for (const Parameter& p : parameters) {
    ordered_json value;
    if (!p.optional && p.words.empty()) value = p.value;
    if (!p.optional && !p.words.empty()) value = value_text(p, p.value);
    out.push_back({{"name", p.name}, {"default", value}, {"meaning", p.meaning}});
    if (!p.words.empty()) out.back()["values"] = words_of(p);
  }
  return out;
}

ordered_json laws() {
  ordered_json out = ordered_json::array();
  for (const law::LawRow& law : law::laws()) {
    out.push_back(row(law.name, law.summary, law.source));
    out.back()["parameters"] = parameters_of(law.parameters);
  }
  return out;
}

ordered_json priors() {
  ordered_json out = ordered_json::array();
  for (const prior::PriorRow& p : prior::priors()) {
    out.push_back(row(p.name, p.summary, p.source));
    out.back()["parameters"] = parameters_of(p.parameters);
  }
  return out;
}

ordered_json methods() {
  ordered_json out = ordered_json::array();
  for (const model::MethodRow& method : model::methods()) {
    out.push_back(row(method.name, method.summary, method.source));
    out.back()["parameters"] = parameters_of(method.parameters);
    const model::MethodTraits traits = model::traits_of(method);
    out.back()["site"] = method.site;
    out.back()["learns"] = traits.learns;
    out.back()["prunes"] = traits.prunes;
    out.back()["penalty"] = traits.penalty;
    out.back()["draws"] = traits.draws;
  }
  return out;
}

ordered_json schedules() {
  ordered_json out = ordered_json::array();
  for (const model::ScheduleRow& s : model::parameter_schedules()) {
    out.push_back(row(s.name, s.summary, s.source));
    out.back()["parameters"] = parameters_of(s.parameters);
  }
  return out;
}

ordered_json activations() {
  ordered_json out = ordered_json::array();
  for (const kernel::ActivationRow& a : kernel::activations()) {
    if (a.activation != kernel::Activation::identity)
      out.push_back(row(a.name, a.summary, a.source));
  }
  return out;
}

ordered_json architectures() {
  ordered_json out = ordered_json::array();
  for (const model::ArchitectureRow& a : model::architectures()) {
    out.push_back(row(a.name, a.summary, a.source));
    out.back()["example"] = a.example;
  }
  return out;
}

ordered_json data_sets() {
  ordered_json out = ordered_json::array();
  for (const data::NamedSet& set : data::named_sets()) {
    out.push_back(row(set.name, set.summary, set.source));
    out.back()["aliases"] = set.aliases;
    out.back()["licence"] = set.licence;
  }
  return out;
}

ordered_json layers() {
  ordered_json out = ordered_json::array();
  for (const model::LayerKind& kind : model::layer_kinds()) {
    out.push_back(row(kind.name, kind.summary, ""));
    out.back()["shapes"] = kind.shapes;
  }
  return out;
}

ordered_json reproduce_rows() {
  ordered_json out = ordered_json::array();
  for (const reproduce::Entry& e : reproduce::entries()) {
    out.push_back(row(e.name, e.summary, e.source));
    out.back()["time"] = e.time;
    out.back()["full_time"] = e.full_time;
  }
  return out;
}

ordered_json rules() {
  ordered_json out = ordered_json::array();
  for (const compress::Rule& r : compress::rules()) {
    out.push_back(row(r.name, r.summary, r.source));
    out.back()["needs variances"] = r.variances;
  }
  return out;
}

ordered_json optimisers() {
  ordered_json out = ordered_json::array();
  for (const optim::Rule& rule : optim::rules()) {
    out.push_back(row(rule.name, rule.summary, rule.source));
    out.back()["lr"] = rule.lr;
    out.back()["parameters"] = parameters_of(rule.parameters);
  }
  return out;
}

ordered_json command_rows() {
  ordered_json out = ordered_json::array();
  for (const Command& command : commands()) out.push_back(row(command.name, command.summary, ""));
  return out;
}

}  // namespace

const std::vector<NameTable>& name_tables() {
  static const std::vector<NameTable> tables = {{"laws", laws},
                                                {"priors", priors},
                                                {"methods", methods},
                                                {"schedules", schedules},
                                                {"activations", activations},
                                                {"architectures", architectures},
                                                {"optimisers", optimisers},
                                                {"data", data_sets},
                                                {"layers", layers},
                                                {"rules", rules},
                                                {"reproduce", reproduce_rows},
                                                {"commands", command_rows}};
  return tables;
}

std::vector<std::string> names_of(std::string_view kind) {
  for (const NameTable& table : name_tables()) {
    if (table.kind != kind) continue;
    std::vector<std::string> names;
    for (const auto& r : table.rows()) names.push_back(r["name"].get<std::string>());
    return names;
  }
  throw std::invalid_argument("names_of: no table of " + std::string(kind));
}

}  // namespace scalemix::inline v0::cli
