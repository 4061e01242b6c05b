// The report as JSON, and depth scales of its layers.

#include <cmath>
#include <nlohmann/json.hpp>

#include "scalemix/model/signal_report.h"

namespace scalemix::inline v0::model {
namespace {

using nlohmann::ordered_json;

/// JSON has no infinity: "inf" stands for it.
ordered_json number(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}
ordered_json number(const std::optional<double>& value) {
  return value ? number(*value) : ordered_json(nullptr);
}

ordered_json json_of(const signal::Slopes& s) {
  return {{"gradient", number(s.gradient)},
          {"one", number(s.one)},
          {"correlation", number(s.correlation)},
          {"variance", number(s.variance)}};
}

ordered_json json_of(const signal::DepthScales& s) {
  return {
      {"xi_1", number(s.gradient)}, {"xi_c", number(s.correlation)}, {"xi_q", number(s.variance)}};
}

ordered_json json_of(const signal::FixedPoint& p) {
  return {{"kind", signal::name(p.kind)}, {"value", number(p.value)}, {"reason", p.reason}};
}

ordered_json json_of(const SignalLayer& l) {
  ordered_json out = {{"layer", l.name},
                      {"type", l.type},
                      {"activation", l.activation},
                      {"noise", l.noise},
                      {"fan_in", number(l.fan_in)},
                      {"sigma_w2", number(l.sigma_w2)},
                      {"q", number(l.q)},
                      {"c", number(l.c)},
                      {"slopes", nullptr},
                      {"scales", nullptr},
                      {"gradient", number(l.gradient)},
                      {"notes", l.notes}};
  if (l.slopes) out["slopes"] = json_of(*l.slopes);
  if (l.slopes) out["scales"] = json_of(*l.scales());
  return out;
}

std::string_view name(signal::RangeDepth::End end) {
  using End = signal::RangeDepth::End;
  return end == End::overflows ? "overflows" : end == End::underflows ? "underflows" : "stays";
}

}  // namespace

std::optional<signal::DepthScales> SignalLayer::scales() const {
  if (!slopes) return std::nullopt;
  return signal::depth_scales(*slopes);
}

ordered_json to_json(const SignalReport& r) {
  ordered_json out = {{"depth", r.depth}, {"layers", ordered_json::array()}};
  for (const SignalLayer& layer : r.layers) out["layers"].push_back(json_of(layer));
  out["layers_in_all"] = r.listed;
  out["fixed"] = nullptr;
  if (r.fixed) {
    out["fixed"] = {{"q", json_of(r.fixed->q)}, {"c", json_of(r.fixed->c)}};
    out["fixed"]["slopes"] = r.fixed->slopes ? json_of(*r.fixed->slopes) : ordered_json(nullptr);
    out["fixed"]["scales"] = r.fixed->scales ? json_of(*r.fixed->scales) : ordered_json(nullptr);
    out["critical"] = {{"sigma_w2", number(r.critical.sigma_w2)}, {"reason", r.critical.reason}};
  }
  out["range"] = {
      {"end", name(r.range.end)}, {"layers", number(r.range.layers)}, {"reason", r.range.reason}};
  out["rules"] = ordered_json::array();
  for (const SignalRule& rule : r.rules) {
    out["rules"].push_back({{"rule", rule.name},
                            {"layers", number(rule.layers)},
                            {"met", rule.met},
                            {"validity", rule.validity}});
  }
  out["reach"] = name(r.reach);
  out["verdict"] = r.verdict;
  return out;
}

}  // namespace scalemix::inline v0::model
