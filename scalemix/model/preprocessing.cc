#include "scalemix/model/preprocessing.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "scalemix/base/json_text.h"

namespace scalemix::inline v0::model {
namespace {

using nlohmann::json;

void expect(bool ok, const std::string& what) {
  if (!ok) throw std::invalid_argument("preprocessing: " + what);
}

void expect_size(std::string_view name, std::size_t got, std::size_t size) {
  expect(got == 0 || got == size,
         fmt::format("expected no {} or one for each of {}, got {}", name, size, got));
}

}  // namespace

json to_json(const Preprocessing& p) {
  json out{{"mean", p.mean},
           {"scale", p.scale},
           {"target_mean", p.target_mean},
           {"target_scale", p.target_scale},
           {"classes", p.classes},
           {"target", p.target},
           {"features", p.features},
           {"schema", p.schema.empty() ? json() : parse_json(p.schema)}};
  // Only where there is one: readers that do not know it refuse the file.
  if (!p.origin.empty() || p.target_origin != 0) {
    out["origin"] = {{"columns", p.origin}, {"target", p.target_origin}};
  }
  if (p.calibration == Calibration{}) return out;
  out["calibration"] = {{"temperature", p.calibration.temperature},
                        {"level", p.calibration.level},
                        {"quantile", p.calibration.quantile}};
  return out;
}

Preprocessing preprocessing_from_json(const json& object) {
  const bool calibrated = object.is_object() && object.contains("calibration");
  const bool origin = object.is_object() && object.contains("origin");
  expect(object.is_object() && object.size() == 8u + calibrated + origin,
         "expected an object of 8 keys, and perhaps calibration and origin");
  Preprocessing out;
  try {
    object.at("mean").get_to(out.mean);
    object.at("scale").get_to(out.scale);
    object.at("target_mean").get_to(out.target_mean);
    object.at("target_scale").get_to(out.target_scale);
    object.at("classes").get_to(out.classes);
    object.at("target").get_to(out.target);
    object.at("features").get_to(out.features);
    if (const json& schema = object.at("schema"); !schema.is_null()) out.schema = schema.dump();
    if (origin) {
      object.at("origin").at("columns").get_to(out.origin);
      object.at("origin").at("target").get_to(out.target_origin);
    }
    if (calibrated) {
      const json& c = object.at("calibration");
      out.calibration = {c.at("temperature"), c.at("level"), c.at("quantile")};
    }
  } catch (const json::exception& error) {
    throw std::invalid_argument("preprocessing: " + json_error(error));
  }
  return out;
}

void check_preprocessing(const Preprocessing& p, const Spec& spec) {
  const std::size_t width = elements(spec.input);
  expect_size("means", p.mean.size(), width);
  expect_size("column names", p.features.size(), width);
  expect_size("origins", p.origin.size(), width);
  for (const double o : p.origin) expect(std::isfinite(o), "an origin is not finite");
  expect(std::isfinite(p.target_origin), "the target's origin is not finite");
  expect_size("class names", p.classes.size(), spec.outputs);
  expect(p.mean.size() == p.scale.size(),
         fmt::format("{} means for {} scales", p.mean.size(), p.scale.size()));
  for (std::size_t k = 0; k < p.mean.size(); ++k) {
    expect(std::isfinite(p.mean[k]) && std::isfinite(p.scale[k]) && p.scale[k] > 0,
           fmt::format("column {}: mean {} and scale {} must be finite, the scale positive", k,
                       p.mean[k], p.scale[k]));
  }
  const Calibration& c = p.calibration;
  expect(c.temperature > 0 && std::isfinite(c.temperature) && c.level >= 0 && c.level < 1 &&
             c.quantile >= 0 && std::isfinite(c.quantile),
         "calibration: temperature must be positive, level in [0, 1), quantile 0 or more");
  expect(std::isfinite(p.target_mean) && std::isfinite(p.target_scale) && p.target_scale > 0,
         fmt::format("target mean {} and scale {} must be finite, the scale positive",
                     p.target_mean, p.target_scale));
}

void refuse_origin(const Preprocessing& p, const std::string& who) {
  if (p.origin.empty() && p.target_origin == 0) return;
  std::string name = p.target;
  for (std::size_t k = 0; k < p.origin.size(); ++k) {
    if (p.origin[k] != 0) name = k < p.features.size() ? p.features[k] : fmt::format("{}", k + 1);
  }
  throw std::invalid_argument(
      fmt::format("{}: the numbers of column '{}' lie so far from zero that floats would not tell "
                  "them apart; train on the column less a constant",
                  who, name));
}

}  // namespace scalemix::inline v0::model
