#include "scalemix/data/fingerprint.h"

#include <fmt/format.h>
#include <zlib.h>

#include <nlohmann/json.hpp>
#include <string_view>

namespace scalemix::inline v0::data {
namespace {

class Crc {
 public:
  template <class T>
  Crc& add(const std::vector<T>& values) {
    const std::size_t size = values.size();
    bytes(&size, sizeof size);
    return bytes(values.data(), size * sizeof(T));
  }
  Crc& add(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) bytes(text.c_str(), text.size() + 1);
    return *this;
  }
  std::string hex() const { return fmt::format("{:08x}", value_); }

 private:
  Crc& bytes(const void* data, std::size_t size) {
    // Of nothing at no address zlib would make the value of a start.
    if (size > 0) value_ = crc32_z(value_, static_cast<const Bytef*>(data), size);
    return *this;
  }
  uLong value_ = crc32_z(0, nullptr, 0);
};

std::string of_splits(const std::vector<Split>& splits) {
  Crc crc;
  for (const Split& split : splits) crc.add(split.train).add(split.validation).add(split.test);
  return crc.hex();
}

}  // namespace

nlohmann::json fingerprint(const Dataset& data) {
  return {{"rows", data.rows()},
          {"shape", data.shape},
          {"inputs", Crc().add(data.x).hex()},
          {"targets", Crc().add(data.y).add(data.label).hex()},
          {"classes", data.classes},
          {"columns", Crc().add(data.features).add(std::vector{data.target, data.schema}).hex()},
          {"splits", of_splits(data.splits)}};
}

std::vector<std::string> differences(const nlohmann::json& was, const nlohmann::json& is) {
  std::vector<std::string> out;
  for (const auto& [part, value] : is.items()) {
    const nlohmann::json before = was.value(part, nlohmann::json());
    if (before == value) continue;
    out.push_back(part == "rows" ? fmt::format("{} rows, were {}", value.dump(), before.dump())
                                 : part);
  }
  return out;
}

}  // namespace scalemix::inline v0::data
