// scalemix list [laws|priors|methods|schedules|activations|architectures|optimisers|data|layers|rules|
//                reproduce|commands] [--json]
//
// What there is by name, with one line and the source of each.

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <set>

#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/names.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/table.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

struct ListOptions {
  std::string kind;
  bool json = false;
};

/// "[,input=VALUE]": a parameter that may be given and has no default.
std::string optional_text(const ordered_json& parameter) {
  return fmt::format("[,{}=VALUE]", parameter["name"].get<std::string>());
}

std::string default_text(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : fmt::format("{:g}", value.get<double>());
}

/// ":threshold=3,init=-10", or nothing.
std::string settings(const ordered_json& row) {
  std::string out;
  for (const auto& p : row.value("parameters", ordered_json::array())) {
    out += p["default"].is_null()
               ? optional_text(p)
               : fmt::format("{}{}={}", out.empty() ? ":" : ",", p["name"].get<std::string>(),
                             default_text(p["default"]));
  }
  return out;
}

/// What the parameters without a default mean, each once.
std::set<std::string> optional_notes(const ordered_json& rows) {
  std::set<std::string> out;
  for (const auto& row : rows) {
    for (const auto& p : row.value("parameters", ordered_json::array())) {
      if (!p["default"].is_null()) continue;
      out.insert(
          fmt::format("{}: optional; {}", optional_text(p), p["meaning"].get<std::string>()));
    }
  }
  return out;
}

void print_rows(std::string_view kind, const ordered_json& rows, std::ostream& out) {
  out << kind << '\n';
  Table table({"  name", "summary", "source"});
  for (const auto& r : rows) {
    table.add({"  " + r["name"].get<std::string>() + settings(r), r["summary"].get<std::string>(),
               r["source"].get<std::string>()});
  }
  table.print(out);
  for (const std::string& note : optional_notes(rows)) out << "  " << note << '\n';
}

/// What a method can do, in letters.
std::string abilities(const ordered_json& r) {
  std::string out;
  for (const auto& [key, letter] : {std::pair{"draws", 'd'}, {"penalty", 'b'}, {"prunes", 'p'}}) {
    out += r[key].get<bool>() ? letter : '-';
  }
  return out;
}

/// By what they multiply, then in their order.
void print_methods(const ordered_json& rows, std::ostream& out) {
  std::vector<std::string> sites;
  for (const auto& r : rows) {
    const std::string site = r["site"];
    if (std::find(sites.begin(), sites.end(), site) == sites.end()) sites.push_back(site);
  }
  out << "methods, by what they multiply\n"
         "  d: predictions may draw; b: adds a divergence to the objective; p: can switch weights off\n";
  for (const std::string& site : sites) {
    out << '\n' << (site.empty() ? "nothing" : site) << '\n';
    Table table({"  name", "can", "learns", "summary", "source"});
    for (const auto& r : rows) {
      if (r["site"] != site) continue;
      const std::string learns = r["learns"];
      table.add({"  " + r["name"].get<std::string>() + settings(r), abilities(r),
                 learns.empty() ? "-" : learns, r["summary"].get<std::string>(),
                 r["source"].get<std::string>()});
    }
    table.print(out);
  }
  for (const std::string& note : optional_notes(rows)) out << "  " << note << '\n';
}

int run(const ListOptions& o, std::ostream& out) {
  ordered_json json;
  for (const NameTable& table : name_tables()) {
    if (!o.kind.empty() && o.kind != table.kind) continue;
    const ordered_json rows = table.rows();
    if (o.json) {
      json[std::string(table.kind)] = rows;
    } else {
      table.kind == "methods" ? print_methods(rows, out) : print_rows(table.kind, rows, out);
      if (o.kind.empty()) out << '\n';
    }
  }
  if (o.json) out << json.dump(2) << '\n';
  return kSuccess;
}

}  // namespace

Action setup_list(CLI::App& sub) {
  auto o = std::make_shared<ListOptions>();
  std::vector<std::string> kinds;
  for (const NameTable& table : name_tables()) kinds.emplace_back(table.kind);
  take_words(sub.add_option("kind", o->kind, "One kind; default: all"), kinds);
  sub.add_flag("--json", o->json, "Print JSON");
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
