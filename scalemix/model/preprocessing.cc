#include "scalemix/model/preprocessing.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

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
  return {{"mean", p.mean},
          {"scale", p.scale},
          {"target_mean", p.target_mean},
          {"target_scale", p.target_scale},
          {"classes", p.classes},
          {"target", p.target},
          {"features", p.features},
          {"schema", p.schema.empty() ? json() : json::parse(p.schema)}};
}

Preprocessing preprocessing_from_json(const json& object) {
  expect(object.is_object() && object.size() == 8, "expected an object of 8 keys");
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
  } catch (const json::exception& error) {
    throw std::invalid_argument(std::string("preprocessing: ") + error.what());
  }
  return out;
}

void check_preprocessing(const Preprocessing& p, const Spec& spec) {
  const std::size_t width = elements(spec.input);
  expect_size("means", p.mean.size(), width);
  expect_size("column names", p.features.size(), width);
  expect_size("class names", p.classes.size(), spec.outputs);
  expect(p.mean.size() == p.scale.size(),
         fmt::format("{} means for {} scales", p.mean.size(), p.scale.size()));
  for (std::size_t k = 0; k < p.mean.size(); ++k) {
    expect(std::isfinite(p.mean[k]) && std::isfinite(p.scale[k]) && p.scale[k] > 0,
           fmt::format("column {}: mean {} and scale {} must be finite, the scale positive", k,
                       p.mean[k], p.scale[k]));
  }
  expect(std::isfinite(p.target_mean) && std::isfinite(p.target_scale) && p.target_scale > 0,
         fmt::format("target mean {} and scale {} must be finite, the scale positive",
                     p.target_mean, p.target_scale));
}

}  // namespace scalemix::inline v0::model
