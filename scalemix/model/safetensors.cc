#include "scalemix/model/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string_view>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/error.h"
#include "scalemix/base/json_text.h"
#include "scalemix/base/limits.h"
#include "scalemix/base/read_file.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/model_bytes.h"

namespace scalemix::inline v0::model {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensor bytes are little-endian");

constexpr std::size_t kPrefix = 8;                                   // bytes of header length
constexpr std::uint64_t kLeastHeader = 2, kMaxHeader = 100'000'000;  // the format's own limit
constexpr std::string_view kMetadata = "__metadata__";

struct Type {
  std::string_view name;
  std::size_t size;
};
constexpr Type kTypes[] = {{"F32", 4},  {"F64", 8}, {"I64", 8}, {"I32", 4},
                           {"BF16", 2}, {"F16", 2}, {"I8", 1},  {"U8", 1}};

/// Bytes of an element; 0 for an unknown type.
std::size_t size_of(std::string_view dtype) {
  for (const Type& type : kTypes) {
    if (type.name == dtype) return type.size;
  }
  return 0;
}

/// Product of the sides times `size`; false if it does not fit 63 bits.
bool total_bytes(const Shape& shape, std::size_t size, std::uint64_t& out) {
  out = size;
  for (const std::size_t side : shape) {
    if (__builtin_mul_overflow(out, static_cast<std::uint64_t>(side), &out)) return false;
  }
  return out < std::uint64_t{1} << 63;
}

// ------------------------------------------------------------------------------ reading

/// Of what is no model, the first bytes tell: before gigabytes of it are read.
void check_header_length(std::uint64_t length, const std::string& path) {
  if (length >= kLeastHeader && length <= kMaxHeader) return;
  throw DataError(path, 0, 0,
                  fmt::format("is not a model file (safetensors): its first {} bytes claim a "
                              "header of {} bytes, expected {} to {}",
                              kPrefix, length, kLeastHeader, kMaxHeader));
}

/// Reads the bytes of one file; every method throws DataError naming it.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& path) : path_(path), bytes_(bytes) {}

  Container read() {
    const json header = parse(header_text());
    if (!header.is_object()) refuse("the header is not an object");
    Container out;
    for (const auto& [name, value] : header.items()) {
      if (name == kMetadata) {
        out.metadata = metadata(value);
      } else {
        out.tensors.emplace(name, tensor(name, value));
      }
    }
    check_ranges();
    return out;
  }

 private:
  struct Range {
    std::uint64_t begin, end;
    std::string name;
  };

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) const {
    throw DataError(
        path_, 0, 0,
        "damaged or not safetensors: " + fmt::format(text, std::forward<Args>(args)...));
  }

  std::string_view header_text() {
    if (bytes_.size() < kPrefix) refuse("{} bytes, expected at least {}", bytes_.size(), kPrefix);
    std::uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), kPrefix);
    check_header_length(length, path_);
    if (length > bytes_.size() - kPrefix) {
      refuse("the header claims {} bytes, the file has {} after its length", length,
             bytes_.size() - kPrefix);
    }
    data_ = bytes_.substr(kPrefix + length);
    return bytes_.substr(kPrefix, length);
  }

  /// The JSON library keeps the last of equal keys: refuse them instead.
  json parse(std::string_view text) const {
    std::vector<std::set<std::string>> keys;
    std::string twice;
    const auto callback = [&](int, json::parse_event_t event, json& value) {
      if (event == json::parse_event_t::object_start) keys.emplace_back();
      if (event == json::parse_event_t::object_end) keys.pop_back();
      if (event == json::parse_event_t::key &&
          !keys.back().insert(value.get<std::string>()).second) {
        twice = value.get<std::string>();
      }
      return true;
    };
    json out;
    try {
      out = parse_json(text, callback);
    } catch (const std::invalid_argument& error) {
      refuse("the header is not JSON: {}", error.what());
    }
    // A zero byte ends the text for the JSON library, and padding is spaces.
    if (text.find('\0') != text.npos || text.find_last_not_of("} ") > text.rfind('}')) {
      refuse("the header does not end with its object and spaces");
    }
    if (!twice.empty()) refuse("the name '{}' stands twice in the header", twice);
    return out;
  }

  std::map<std::string, std::string> metadata(const json& value) const {
    if (!value.is_object()) refuse("{} is not an object", kMetadata);
    std::map<std::string, std::string> out;
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) refuse("{}.{} is not a text", kMetadata, key);
      out.emplace(key, text.get<std::string>());
    }
    return out;
  }

  std::vector<std::uint64_t> numbers(const std::string& name, const json& value,
                                     std::string_view key) const {
    if (!value.contains(key) || !value[key].is_array()) {
      refuse("tensor '{}': {} is missing or not a list", name, key);
    }
    std::vector<std::uint64_t> out;
    if (value[key].size() > kMostAxes) {
      refuse("tensor '{}': {} holds {} numbers, expected at most {}", name, key, value[key].size(),
             kMostAxes);
    }
    for (const json& number : value[key]) {
      if (!number.is_number_unsigned()) {
        refuse("tensor '{}': {} holds {}, expected whole numbers", name, key, number.dump());
      }
      out.push_back(number.get<std::uint64_t>());
    }
    return out;
  }

  Tensor tensor(const std::string& name, const json& value) {
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
        !value["dtype"].is_string()) {
      refuse("tensor '{}': expected dtype, shape and data_offsets", name);
    }
    Tensor out;
    out.dtype = value["dtype"].get<std::string>();
    if (size_of(out.dtype) == 0) refuse("tensor '{}': unknown dtype '{}'", name, out.dtype);
    const std::vector<std::uint64_t> shape = numbers(name, value, "shape");
    out.shape.assign(shape.begin(), shape.end());
    const std::vector<std::uint64_t> offsets = numbers(name, value, "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_.size()) {
      refuse("tensor '{}': data_offsets {} lie outside the {} bytes of data", name, offsets,
             data_.size());
    }
    std::uint64_t expected = 0;
    const bool fits = total_bytes(out.shape, size_of(out.dtype), expected);
    if (!fits || expected != offsets[1] - offsets[0]) {
      refuse("tensor '{}': shape {} of {} does not match its {} bytes", name, shape_text(out.shape),
             out.dtype, offsets[1] - offsets[0]);
    }
    ranges_.push_back({offsets[0], offsets[1], name});
    const auto* begin = reinterpret_cast<const std::byte*>(data_.data());
    out.bytes.assign(begin + offsets[0], begin + offsets[1]);
    return out;
  }

  /// Tensors must fill the data without gap or overlap.
  void check_ranges() {
    std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
    });
    std::uint64_t at = 0;
    for (const Range& range : ranges_) {
      if (range.begin != at) {
        refuse("tensor '{}' starts at {}, expected {}: tensors overlap or leave a gap", range.name,
               range.begin, at);
      }
      at = range.end;
    }
    if (at != data_.size()) refuse("{} bytes of data, the tensors use {}", data_.size(), at);
  }

  std::string path_;
  std::string_view bytes_, data_;
  std::vector<Range> ranges_;
};

// ------------------------------------------------------------------------------ writing

using Entry = std::pair<const std::string, Tensor>;

void check_entry(const Entry& entry) {
  const auto& [name, tensor] = entry;
  std::uint64_t bytes = 0;
  if (name == kMetadata || size_of(tensor.dtype) == 0 ||
      !total_bytes(tensor.shape, size_of(tensor.dtype), bytes) || bytes != tensor.bytes.size()) {
    throw std::invalid_argument(
        fmt::format("write_safetensors: tensor '{}' of dtype '{}' and shape {} has {} bytes", name,
                    tensor.dtype, shape_text(tensor.shape), tensor.bytes.size()));
  }
}

/// Wide types first, so that every tensor is aligned.
std::vector<const Entry*> storage_order(const Container& container) {
  std::vector<const Entry*> out;
  for (const Entry& entry : container.tensors) {
    check_entry(entry);
    out.push_back(&entry);
  }
  std::stable_sort(out.begin(), out.end(), [](const Entry* a, const Entry* b) {
    return size_of(a->second.dtype) > size_of(b->second.dtype);
  });
  return out;
}

std::string header_of(const Container& container, const std::vector<const Entry*>& order) {
  json header = json::object();
  if (!container.metadata.empty()) header[std::string(kMetadata)] = container.metadata;
  std::uint64_t at = 0;
  for (const Entry* entry : order) {
    const Tensor& tensor = entry->second;
    const std::uint64_t end = at + tensor.bytes.size();
    header[entry->first] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.resize((text.size() + kPrefix - 1) / kPrefix * kPrefix, ' ');
  return text;
}

template <class T>
Tensor pack(std::string_view dtype, Shape shape, const std::vector<T>& values) {
  Tensor out;
  out.dtype = dtype;
  out.shape = std::move(shape);
  if (out.count() != values.size()) {
    throw std::invalid_argument(
        fmt::format("Tensor::of: shape {} for {} values", shape_text(out.shape), values.size()));
  }
  const auto* begin = reinterpret_cast<const std::byte*>(values.data());
  out.bytes.assign(begin, begin + values.size() * sizeof(T));
  return out;
}

template <class T>
std::vector<T> unpack(std::string_view dtype, const Tensor& tensor) {
  if (tensor.dtype != dtype) {
    throw std::invalid_argument(
        fmt::format("tensor: expected dtype {}, got {}", dtype, tensor.dtype));
  }
  std::vector<T> out(tensor.bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), tensor.bytes.data(), out.size() * sizeof(T));
  return out;
}

}  // namespace

std::size_t Tensor::count() const {
  std::uint64_t n = 0;
  if (!total_bytes(shape, 1, n)) {
    throw std::invalid_argument("tensor: too many elements in the shape " + shape_text(shape));
  }
  return n;
}

Tensor Tensor::of(Shape shape, const std::vector<float>& values) {
  return pack("F32", std::move(shape), values);
}
Tensor Tensor::of(Shape shape, const std::vector<double>& values) {
  return pack("F64", std::move(shape), values);
}
Tensor Tensor::of(Shape shape, const std::vector<std::int64_t>& values) {
  return pack("I64", std::move(shape), values);
}

std::vector<float> Tensor::floats() const { return unpack<float>("F32", *this); }
std::vector<double> Tensor::doubles() const { return unpack<double>("F64", *this); }
std::vector<std::int64_t> Tensor::integers() const { return unpack<std::int64_t>("I64", *this); }

Container read_safetensors(const std::string& path) {
  const std::string front = read_front(path, kPrefix);
  if (front.size() == kPrefix) {
    std::uint64_t length = 0;
    std::memcpy(&length, front.data(), kPrefix);
    check_header_length(length, path);
  }
  return parse_safetensors(read_file(path), path);
}

Container parse_safetensors(std::string_view bytes, const std::string& name) {
  return Reader(bytes, name).read();
}

void write_safetensors(const std::string& path, const Container& container) {
  const std::vector<const Entry*> order = storage_order(container);
  const std::string header = header_of(container, order);
  const std::uint64_t length = header.size();
  std::string bytes(kPrefix, '\0');
  std::memcpy(bytes.data(), &length, kPrefix);
  bytes += header;
  for (const Entry* entry : order) {
    const std::vector<std::byte>& data = entry->second.bytes;
    bytes.append(reinterpret_cast<const char*>(data.data()), data.size());
  }
  write_atomically(path, std::string_view(bytes));
}

}  // namespace scalemix::inline v0::model
