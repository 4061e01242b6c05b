#include "scalemix/model/stored_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::model {
namespace {

constexpr const char *kValues = "#values", *kGaps = "#gaps", *kScale = "#scale";
constexpr std::uint8_t kSkip = 255;  // a gap without a number behind it
constexpr std::size_t kLeastSparse = 256;
constexpr double kMost = 127;
// What may be made of a stored byte, and in any case, in floats.
constexpr std::size_t kFloatsPerByte = 128, kFloatsAnyway = std::size_t{1} << 24;

Tensor bytes_of(const char* dtype, const void* data, std::size_t count, std::size_t size) {
  Tensor out{dtype, {count}, std::vector<std::byte>(count * size)};
  if (count > 0) std::memcpy(out.bytes.data(), data, count * size);
  return out;
}

template <class T>
std::vector<T> numbers_of(const Tensor& tensor) {
  std::vector<T> out(tensor.bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), tensor.bytes.data(), out.size() * sizeof(T));
  return out;
}

/// What 127 stands for in each slice; 1 of a slice of zeros.
std::vector<float> scales_of(const std::vector<float>& w, std::size_t slices) {
  std::vector<float> out(slices, 1);
  const std::size_t n = w.size() / slices;
  for (std::size_t o = 0; o < slices; ++o) {
    float most = 0;
    for (std::size_t i = o * n; i < (o + 1) * n; ++i) most = std::max(most, std::abs(w[i]));
    if (most > 0) out[o] = most;
  }
  return out;
}

std::int8_t round_to(float value, float scale) {
  return static_cast<std::int8_t>(std::lround(static_cast<double>(value) / scale * kMost));
}

float value_of(std::int8_t value, float scale) {
  return static_cast<float>(static_cast<double>(value) / kMost * scale);
}

/// The weights as a reader will have them, so that what became zero is left out too.
std::vector<float> rounded(const std::string& name, std::vector<float> w, Store store,
                           const std::vector<float>& scale) {
  const std::size_t n = scale.empty() ? 0 : w.size() / scale.size();
  for (std::size_t i = 0; i < w.size() && store != Store::float32; ++i) {
    const float exact = w[i];
    w[i] = store == Store::float16 ? float_of(half_of(exact))
                                   : value_of(round_to(exact, scale[i / n]), scale[i / n]);
    if (!std::isfinite(w[i])) {
      throw std::domain_error(fmt::format("tensor '{}' holds {:g}, which does not fit {}", name,
                                          exact, store == Store::float16 ? "float16" : "int8"));
    }
  }
  return w;
}

struct Left {
  std::vector<std::uint8_t> gaps;
  std::vector<std::size_t> at;  // of the numbers
};

Left left_of(const std::vector<float>& w) {
  Left out;
  std::size_t zeros = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (w[i] != 0) {
      out.gaps.push_back(static_cast<std::uint8_t>(zeros));
      out.at.push_back(i);
      zeros = 0;
    } else if (++zeros == kSkip) {
      out.gaps.push_back(kSkip);
      zeros = 0;
    }
  }
  // The last zeros are followed by no number: the reader knows how many there are.
  return out;
}

Tensor pack(const std::vector<float>& w, const std::vector<std::size_t>* at, Store store,
            const std::vector<float>& scale) {
  const std::size_t count = at ? at->size() : w.size(),
                    n = scale.empty() ? 0 : w.size() / scale.size();
  const auto place = [&](std::size_t k) { return at ? (*at)[k] : k; };
  if (store == Store::float16) {
    std::vector<std::uint16_t> out(count);
    for (std::size_t k = 0; k < count; ++k) out[k] = half_of(w[place(k)]);
    return bytes_of("F16", out.data(), count, 2);
  }
  if (store == Store::int8) {
    std::vector<std::int8_t> out(count);
    for (std::size_t k = 0; k < count; ++k) out[k] = round_to(w[place(k)], scale[place(k) / n]);
    return bytes_of("I8", out.data(), count, 1);
  }
  std::vector<float> out(count);
  for (std::size_t k = 0; k < count; ++k) out[k] = w[place(k)];
  return bytes_of("F32", out.data(), count, 4);
}

/// What is stored of one tensor, put together.
class Parts {
 public:
  Parts(std::string name, Shape shape, const std::map<std::string, Tensor>& all)
      : name_(std::move(name)), shape_(std::move(shape)), all_(all) {}

  Tensor dense() const {
    const Tensor* gaps = find(kGaps);
    const Tensor* values = gaps ? find(kValues) : find("");
    if (!values) refuse("has {} and no {}", kGaps, kValues);
    const std::vector<float> numbers = floats(*values);
    return gaps ? spread(*gaps, numbers) : scaled(numbers);
  }

 private:
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) const {
    throw std::invalid_argument(fmt::format("tensor '{}' ", name_) +
                                fmt::format(text, std::forward<Args>(args)...));
  }

  const Tensor* find(const char* part) const {
    const auto found = all_.find(name_ + part);
    return found == all_.end() ? nullptr : &found->second;
  }

  std::vector<float> floats(const Tensor& stored) const {
    std::vector<float> out;
    if (stored.dtype == "F32") {
      out = stored.floats();
    } else if (stored.dtype == "F16") {
      for (const std::uint16_t h : numbers_of<std::uint16_t>(stored)) out.push_back(float_of(h));
    } else if (stored.dtype == "I8") {
      for (const std::int8_t v : numbers_of<std::int8_t>(stored)) out.push_back(v);
    } else {
      refuse("is stored as {}, expected F32, F16 or I8", stored.dtype);
    }
    return out;
  }

  /// The scale of each slice; empty where there is none.
  std::vector<float> scale() const {
    const Tensor* stored = find(kScale);
    if (!stored) return {};
    if (shape_.empty() || stored->dtype != "F32" || stored->shape != Shape{shape_[0]}) {
      refuse("has a scale {} {}, expected F32 of one number per slice", stored->dtype,
             shape_text(stored->shape));
    }
    return stored->floats();
  }

  Tensor scaled(std::vector<float> numbers) const {
    const Tensor* stored = find("");
    Tensor out = Tensor::of(stored->shape, numbers);
    const std::vector<float> scales = scale();
    if ((stored->dtype == "I8") != !scales.empty()) refuse("has a scale or is I8, but not both");
    if (!scales.empty() && (stored->shape != shape_ || numbers.size() % scales.size() != 0)) {
      refuse("of shape {}, expected {}", shape_text(stored->shape), shape_text(shape_));
    }
    for (std::size_t i = 0; !scales.empty() && i < numbers.size(); ++i) {
      numbers[i] = value_of(static_cast<std::int8_t>(numbers[i]),
                            scales[i / (numbers.size() / scales.size())]);
    }
    return scales.empty() ? out : Tensor::of(shape_, numbers);
  }

  Tensor spread(const Tensor& gaps, const std::vector<float>& numbers) const {
    const Tensor* values = find(kValues);
    if (gaps.dtype != "U8") refuse("has gaps of {}, expected U8", gaps.dtype);
    if (find("")) refuse("is stored twice: whole and without its zeros");
    const std::vector<float> scales = scale();
    if ((values->dtype == "I8") != !scales.empty()) refuse("has a scale or is I8, but not both");
    Tensor whole;
    whole.shape = shape_;
    const std::size_t count = whole.count();
    std::vector<float> out(count);
    std::size_t at = 0, used = 0;
    for (const std::uint8_t gap : numbers_of<std::uint8_t>(gaps)) {
      at += gap;
      if (gap == kSkip) continue;
      if (at >= count || used >= numbers.size()) break;
      const float v = numbers[used++];
      out[at] = scales.empty()
                    ? v
                    : value_of(static_cast<std::int8_t>(v), scales[at / (count / scales.size())]);
      ++at;
    }
    const auto carriers = static_cast<std::size_t>(std::count_if(
        gaps.bytes.begin(), gaps.bytes.end(), [](std::byte b) { return b != std::byte{kSkip}; }));
    if (at > count || used != numbers.size() || carriers != numbers.size()) {
      refuse("has {} values in {} gaps that do not fit its shape {}", numbers.size(), carriers,
             shape_text(shape_));
    }
    return Tensor::of(shape_, out);
  }

  std::string name_;
  Shape shape_;
  const std::map<std::string, Tensor>& all_;
};

}  // namespace

std::uint16_t half_of(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
  const float size = std::abs(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (size == 0) return sign;
  if (size >= 65520) return static_cast<std::uint16_t>(sign | 0x7c00u);
  // Below 2^-14 numbers are multiples of 2^-24; above, of 2^-10 of their power of two.
  int exponent = 0;
  std::frexp(size, &exponent);  // size = f 2^exponent, f in [0.5, 1)
  const int step = std::max(exponent - 11, -24);
  const auto multiple = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(size, -step)));
  // A multiple of 2^11 has gone up to the next power, which the sum below carries over.
  const std::uint32_t magnitude = static_cast<std::uint32_t>(step + 24) * 1024u + multiple;
  return static_cast<std::uint16_t>(sign | magnitude);
}

float float_of(std::uint16_t half) {
  const int exponent = half >> 10 & 31, fraction = half & 1023;
  const float sign = (half & 0x8000) != 0 ? -1.0f : 1.0f;
  if (exponent == 31) return fraction != 0 ? std::nanf("") : sign * HUGE_VALF;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
}

bool knows_feature(const std::string& feature) {
  return feature == "sparse" || feature == "float16" || feature == "int8";
}

namespace {

bool is_weights(const std::string& name, const Tensor& tensor) {
  return name.ends_with(".weight") && tensor.shape.size() > 1;
}

void store(const std::string& name, const Tensor& tensor, const SaveOptions& options, Stored& to) {
  const Store store = options.store;
  const std::vector<float> exact = tensor.floats();
  const std::vector<float> scale =
      store == Store::int8 ? scales_of(exact, tensor.shape[0]) : std::vector<float>{};
  const std::vector<float> w = rounded(name, exact, store, scale);
  const auto zeros = static_cast<std::size_t>(std::count(w.begin(), w.end(), 0.0f));
  std::optional<Left> left;
  if (options.sparse && w.size() >= kLeastSparse && 2 * zeros > w.size()) left = left_of(w);
  if (store == Store::float16) to.features.insert("float16");
  if (store == Store::int8) {
    to.features.insert("int8");
    to.tensors.emplace(name + kScale, Tensor::of({scale.size()}, scale));
  }
  if (!left) {
    Tensor whole = pack(exact, nullptr, store, scale);
    whole.shape = tensor.shape;
    to.tensors.emplace(name, std::move(whole));
    return;
  }
  to.features.insert("sparse");
  to.tensors.emplace(name + kValues, pack(exact, &left->at, store, scale));
  to.tensors.emplace(name + kGaps, bytes_of("U8", left->gaps.data(), left->gaps.size(), 1));
}

/// Whether a reader may make so many floats of what is stored.
bool affordable(std::size_t floats, const std::map<std::string, Tensor>& stored) {
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : stored) bytes += tensor.bytes.size();
  return floats <= kFloatsAnyway + kFloatsPerByte * bytes;
}

}  // namespace

Stored store_tensors(const std::map<std::string, Tensor>& tensors, const SaveOptions& options) {
  Stored out;
  std::size_t floats = 0;
  for (const auto& [name, tensor] : tensors) {
    floats += tensor.count();
    if (is_weights(name, tensor)) {
      store(name, tensor, options, out);
    } else {
      out.tensors.emplace(name, tensor);
    }
  }
  if (affordable(floats, out.tensors)) return out;
  return store_tensors(tensors, {.store = options.store, .sparse = false});
}

std::map<std::string, Tensor> dense_tensors(std::map<std::string, Tensor> stored,
                                            const std::map<std::string, Shape>& shapes) {
  std::map<std::string, Tensor> out;
  std::size_t floats = 0;
  for (const auto& [name, shape] : shapes) {
    if (stored.count(name + kGaps) > 0) floats += Tensor{"", shape, {}}.count();
  }
  if (!affordable(floats, stored)) {
    throw std::invalid_argument(
        fmt::format("{} numbers would be made of a small file: more than it may hold", floats));
  }
  for (const auto& [name, shape] : shapes) {
    const auto whole = stored.find(name);
    const bool gaps = stored.count(name + kGaps) > 0, scale = stored.count(name + kScale) > 0;
    const auto rounded = [](const Tensor& t) { return t.dtype == "F16" || t.dtype == "I8"; };
    const bool plain = whole != stored.end() && !rounded(whole->second) && !gaps && !scale;
    if (whole == stored.end() && !gaps) continue;  // missing: said by whoever needs it
    if (plain) {
      out.emplace(name, std::move(whole->second));
    } else {
      out.emplace(name, Parts(name, shape, stored).dense());
    }
    for (const char* part : {"", kValues, kGaps, kScale}) stored.erase(name + part);
  }
  out.merge(stored);
  return out;
}

}  // namespace scalemix::inline v0::model
