#include "scalemix/model/model_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "scalemix/base/error.h"
#include "scalemix/base/json_text.h"
#include "scalemix/base/sha256.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/model_bytes.h"
#include "scalemix/model/preprocessing.h"

namespace scalemix::inline v0::model {
namespace {

using nlohmann::json;

constexpr std::string_view kKeys[] = {"about",  "checksum",      "features",
                                      "format", "preprocessing", "spec"};

void expect_tensor(const std::map<std::string, Tensor>& tensors, const std::string& name,
                   const Shape& shape) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw std::invalid_argument(fmt::format("no tensor '{}'", name));
  const Tensor& tensor = found->second;
  if (tensor.dtype != "F32" || tensor.shape != shape ||
      tensor.bytes.size() != tensor.count() * sizeof(float)) {
    throw std::invalid_argument(fmt::format("tensor '{}': expected F32 {}, got {} {} in {} bytes",
                                            name, shape_text(shape), tensor.dtype,
                                            shape_text(tensor.shape), tensor.bytes.size()));
  }
}

std::map<std::string, Shape> expected_tensors(const Spec& spec) {
  std::map<std::string, Shape> out;
  for_each_layer(spec, [&](const Layer& layer, const Shape&) {
    for (const LayerTensor& t : tensors(layer)) out[layer.name + "." + t.name] = t.shape;
  });
  if (spec.task == Task::regression) out["output.log_precision"] = {spec.outputs};
  return out;
}

void check_tensors(const Model& model) {
  const std::map<std::string, Shape> expected = expected_tensors(model.spec);
  for (const auto& [name, shape] : expected) expect_tensor(model.tensors, name, shape);
  for (const auto& [name, tensor] : model.tensors) {
    if (expected.count(name) == 0) {
      throw std::invalid_argument(fmt::format("tensor '{}' belongs to no layer", name));
    }
  }
}

void feed(Sha256& digest, std::string_view text) {
  const std::string length = fmt::format("{}:", text.size());
  digest.update(length.data(), length.size());
  digest.update(text.data(), text.size());
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Means and scales of many columns stand as tensors: a third of the bytes that they take as text.
constexpr const char *kMeans = "preprocessing#mean", *kScales = "preprocessing#scale";
constexpr std::size_t kManyColumns = 64;
constexpr const char* kColumnsFeature = "columns";

void store_columns(Preprocessing& p, Stored& to) {
  if (p.mean.size() < kManyColumns || p.scale.size() != p.mean.size()) return;
  to.tensors.emplace(kMeans, Tensor::of({p.mean.size()}, p.mean));
  to.tensors.emplace(kScales, Tensor::of({p.scale.size()}, p.scale));
  to.features.insert(kColumnsFeature);
  p.mean.clear(), p.scale.clear();
}

void take_columns(std::map<std::string, Tensor>& tensors, Preprocessing& p) {
  for (const auto& [name, to] : {std::pair{kMeans, &p.mean}, {kScales, &p.scale}}) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) continue;
    if (!to->empty()) throw std::invalid_argument(fmt::format("{} is stored twice", name));
    *to = found->second.floats();
    tensors.erase(found);
  }
}

// Beside a tensor.
constexpr std::string_view kSpread = "#spread";
constexpr const char* kSpreadFeature = "spread";

void store_spread(const std::map<std::string, Tensor>& spread, Stored& to) {
  if (spread.empty()) return;
  for (const auto& [name, tensor] : spread) {
    to.tensors.emplace(fmt::format("{}{}", name, kSpread), tensor);
  }
  to.features.insert(kSpreadFeature);
}

std::map<std::string, Tensor> take_spread(std::map<std::string, Tensor>& tensors) {
  std::map<std::string, Tensor> out;
  for (auto at = tensors.begin(); at != tensors.end();) {
    const std::string& name = at->first;
    if (!name.ends_with(kSpread)) {
      ++at;
      continue;
    }
    out.emplace(name.substr(0, name.size() - kSpread.size()), std::move(at->second));
    at = tensors.erase(at);
  }
  return out;
}

/// What a reader of one file throws.
class Checker {
 public:
  Checker(const std::string& path, const Container& container)
      : path_(path), container_(container) {}

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) const {
    throw DataError(path_, 0, 0, fmt::format(text, std::forward<Args>(args)...));
  }

  const std::string& text(const std::string& key) const {
    const auto found = container_.metadata.find(key);
    if (found == container_.metadata.end()) {
      refuse("not a scalemix model: no '{}' in its metadata", key);
    }
    return found->second;
  }

  json parsed(const std::string& key) const {
    try {
      return parse_json(text(key));
    } catch (const std::invalid_argument& error) {
      refuse("metadata '{}' is not JSON: {}", key, error.what());
    }
  }

  void format() const {
    const json format = parsed("format");
    if (!format.is_number_integer() || format.get<std::int64_t>() < 1) {
      refuse("format: expected a whole number from 1, got {}", format.dump());
    }
    if (format.get<std::int64_t>() > kFormat) {
      refuse("format {} is newer than this program reads ({}): use a newer scalemix",
             format.get<std::int64_t>(), kFormat);
    }
  }

  void checksum() const {
    const std::string expected = text("checksum"), got = model_checksum(container_);
    if (expected != got) refuse("damaged: its checksum is {}, expected {}", got, expected);
  }

  void features() const {
    const json list = parsed("features");
    if (!list.is_array()) refuse("features: expected a list, got {}", list.dump());
    for (const json& feature : list) {
      const std::string name = feature.is_string() ? feature.get<std::string>() : "";
      if (name == kColumnsFeature || name == kSpreadFeature || knows_feature(name)) continue;
      refuse("uses the feature {} that this program does not know: use a newer scalemix",
             feature.dump());
    }
  }

  void keys() const {
    for (const auto& [key, value] : container_.metadata) {
      if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys)) {
        refuse("unknown metadata '{}'", key);
      }
    }
  }

 private:
  const std::string& path_;
  const Container& container_;
};

/// The model in a container that was read from `path`.
Model model_of(Container container, const std::string& path) {
  const Checker checker(path, container);
  checker.format();
  checker.checksum();
  checker.features();
  checker.keys();
  Model model;
  try {
    model.spec = spec_from_json(checker.parsed("spec"));
    model.preprocessing = preprocessing_from_json(checker.parsed("preprocessing"));
    take_columns(container.tensors, model.preprocessing);
    model.spread = take_spread(container.tensors);
    const json about = checker.parsed("about");
    if (!about.is_null()) model.about = dump(about);
    model.spec.validate();  // before anything is made of its shapes
    model.tensors = dense_tensors(std::move(container.tensors), expected_tensors(model.spec));
    check_model(model);
  } catch (const std::invalid_argument& error) {
    throw DataError(path, 0, 0, error.what());
  }
  return model;
}

}  // namespace

std::string model_checksum(const Container& container) {
  Sha256 digest;
  for (const auto& [key, value] : container.metadata) {
    if (key == "checksum") continue;
    feed(digest, key);
    feed(digest, value);
  }
  for (const auto& [name, tensor] : container.tensors) {
    feed(digest, name);
    feed(digest, tensor.dtype);
    feed(digest, fmt::format("{}", fmt::join(tensor.shape, ",")));
    feed(digest, {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()});
  }
  return digest.hex();
}

void check_model(const Model& model) {
  model.spec.validate();
  for_each_layer(model.spec, [](const Layer& layer, const Shape&) {
    if (layer.site == 0 || layer.name.empty()) {
      throw std::invalid_argument(
          fmt::format("{}: no site or name; call Spec::number first", label(layer)));
    }
  });
  check_tensors(model);
  for (const auto& [name, tensor] : model.spread) {
    const auto found = model.tensors.find(name);
    if (found == model.tensors.end() || tensor.dtype != "F32" ||
        tensor.shape != found->second.shape) {
      throw std::invalid_argument(fmt::format("the spread of '{}' fits no tensor", name));
    }
  }
  check_preprocessing(model.preprocessing, model.spec);
}

Model load_model(const std::string& path) { return model_of(read_safetensors(path), path); }

Model parse_model(std::string_view bytes, const std::string& name) {
  return model_of(parse_safetensors(bytes, name), name);
}

json about(const Model& model) {
  json parsed = model.about.empty() ? json::object() : parse_json(model.about);
  return parsed.is_object() ? parsed : json::object();
}

std::size_t about_number(const Model& model, const char* key, std::size_t otherwise) {
  const json all = about(model);
  const auto found = all.find(key);
  return found != all.end() && found->is_number_unsigned() ? found->get<std::size_t>() : otherwise;
}

void save_model(const std::string& path, const Model& model, const SaveOptions& options) {
  check_model(model);
  Container container;
  Stored stored = store_tensors(model.tensors, options);
  Preprocessing preprocessing = model.preprocessing;
  store_columns(preprocessing, stored);
  store_spread(model.spread, stored);
  container.tensors = std::move(stored.tensors);
  container.metadata = {{"format", fmt::format("{}", kFormat)},
                        {"features", dump(json(stored.features))},
                        {"spec", dump(to_json(model.spec))},
                        {"preprocessing", dump(to_json(preprocessing))},
                        {"about", model.about.empty() ? "null" : model.about}};
  container.metadata["checksum"] = model_checksum(container);
  write_safetensors(path, container);
}

}  // namespace scalemix::inline v0::model
