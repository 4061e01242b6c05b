#include "scalemix/base/printable.h"

#include <cstdint>

#include "scalemix/base/utf8.h"

namespace scalemix::inline v0 {
namespace {

constexpr char kHex[] = "0123456789abcdef";

bool is_hidden(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) ||  // controls, of 7 and of 8 bits
         c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c < 0xe1000);
}

void write_out(std::string_view bytes, std::string& out) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
}

}  // namespace

std::string printable(std::string_view text, bool lines) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view c = text.substr(0, length == 0 ? 1 : length);
    const bool kept = lines && (c == "\n" || c == "\t");
    if (length == 0 || (is_hidden(utf8_code(c)) && !kept)) {
      write_out(c, out);
    } else {
      out += c;
    }
    text.remove_prefix(c.size());
  }
  return out;
}

std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return std::string(text.substr(0, most)) + "...";
}

}  // namespace scalemix::inline v0
