// Reads protocol buffers' wire format, the other direction of protobuf.h: field by field, each length
// bounded against the bytes that are there. https://protobuf.dev/programming-guides/encoding
//
//   for (Fields f(bytes, "a tensor"); f.next();) {
//     if (f.field() == 8) name = f.text();
//   }
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace scalemix::inline v0::compress {

/// The fields of one message. Every method throws std::invalid_argument naming the message: a field
/// beyond its end, another type than the one asked for.
class Fields {
 public:
  /// `what` names the message in errors. Views into `bytes`.
  Fields(std::string_view bytes, std::string_view what) : left_(bytes), what_(what) {}

  /// Goes to the next field; false at the end.
  bool next() {
    if (left_.empty()) return false;
    const std::uint64_t key = varint();
    field_ = key >> 3;
    wire_ = static_cast<unsigned>(key & 7);
    if (field_ == 0 || field_ >= std::uint64_t{1} << 29) refuse("a field's number is {}", field_);
    switch (wire_) {
      case kVarint:
        number_ = varint();
        return true;
      case kEight:
        payload_ = take(8);
        return true;
      case kBytes:
        payload_ = take(varint());
        return true;
      case kFour:
        payload_ = take(4);
        return true;
      default:
        refuse("field {} has the wire type {}, expected 0, 1, 2 or 5", field_, wire_);
    }
  }

  std::uint64_t field() const { return field_; }

  std::int64_t number() const {
    expect(kVarint, "a number");
    return static_cast<std::int64_t>(number_);
  }
  float real() const {
    expect(kFour, "a float");
    return float_at(payload_.data());
  }
  std::string_view text() const {
    expect(kBytes, "bytes");
    return payload_;
  }

  /// One number, or a packed list of them, behind those in `to`.
  void append_to(std::vector<std::int64_t>& to) const {
    if (wire_ == kVarint) return to.push_back(number());
    for (Fields packed(text(), what_); !packed.left_.empty();) {
      to.push_back(static_cast<std::int64_t>(packed.varint()));
    }
  }
  void append_to(std::vector<float>& to) const {
    if (wire_ == kFour) return to.push_back(real());
    const std::string_view packed = text();
    if (packed.size() % sizeof(float) != 0) {
      refuse("field {} packs floats in {} bytes, expected a multiple of 4", field_, packed.size());
    }
    for (std::size_t i = 0; i < packed.size(); i += sizeof(float)) {
      to.push_back(float_at(packed.data() + i));
    }
  }

 private:
  enum Wire : unsigned { kVarint = 0, kEight = 1, kBytes = 2, kFour = 5 };

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) const {
    throw std::invalid_argument(
        fmt::format("{}: {}", what_, fmt::format(text, std::forward<Args>(args)...)));
  }

  void expect(unsigned wire, std::string_view type) const {
    if (wire_ != wire) {
      refuse("expected {} in field {}, got the wire type {}", type, field_, wire_);
    }
  }

  static float float_at(const char* bytes) {
    float out;
    std::memcpy(&out, bytes, sizeof out);
    return out;
  }

  std::uint64_t varint() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (left_.empty()) refuse("it ends inside a number");
      const auto byte = static_cast<unsigned char>(left_.front());
      left_.remove_prefix(1);
      out |= std::uint64_t{byte & 127u} << shift;
      if (byte < 128) return out;
    }
    refuse("a number of more than 10 bytes");
  }

  std::string_view take(std::uint64_t size) {
    if (size > left_.size()) {
      refuse("field {} claims {} bytes, {} are left", field_, size, left_.size());
    }
    const std::string_view out = left_.substr(0, size);
    left_.remove_prefix(size);
    return out;
  }

  std::string_view left_, what_, payload_;
  std::uint64_t field_ = 0, number_ = 0;
  unsigned wire_ = 0;
};

}  // namespace scalemix::inline v0::compress
