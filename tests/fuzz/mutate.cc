#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <cctype>
#include <iterator>

namespace scalemix::fuzz {
namespace {

/// Numbers at which something ends.
const char* const kNumbers[] = {"0",
                                "-1",
                                "1",
                                "2147483647",
                                "2147483648",
                                "255",
                                "65536",
                                "4294967296",
                                "1e999",
                                "-1e300",
                                "1e300",
                                "1e-5",
                                "0.5",
                                "nan",
                                "inf",
                                "1e19",
                                "16777217",
                                "9223372036854775808",
                                "18446744073709551615"};

bool of_number(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '+';
}

}  // namespace

std::string Mutator::operator()(const std::vector<std::string>& corpus) {
  std::string bytes = corpus[below(corpus.size())];
  const std::string& other = corpus[below(corpus.size())];
  for (std::size_t changes = 1 + below(4); changes > 0; --changes) change(bytes, other);
  return bytes;
}

void Mutator::change(std::string& bytes, const std::string& other) {
  if (bytes.empty()) {
    bytes = other;
    return;
  }
  const std::size_t at = below(bytes.size()),
                    length = 1 + below(std::min<std::size_t>(bytes.size(), 16));
  switch (below(8)) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
      return;
    case 1:
      bytes[at] = static_cast<char>(below(4) == 0 ? 255 : below(256));
      return;
    case 2:
      bytes.erase(at, length);
      return;
    case 3:
      bytes.insert(at, bytes.substr(below(bytes.size()), length));
      return;
    case 4:
      bytes.resize(at);
      return;
    case 5:
      if (!other.empty()) bytes.insert(at, other.substr(below(other.size()), 2 * length));
      return;
    default:
      change_number(bytes);
  }
}

/// A number in text becomes another, or one of its digits does.
void Mutator::change_number(std::string& bytes) {
  std::size_t from = below(bytes.size());
  for (std::size_t tries = 0; tries < bytes.size() && !of_number(bytes[from]); ++tries) {
    from = (from + 1) % bytes.size();
  }
  if (!of_number(bytes[from])) return;
  if (below(2) == 0) {
    bytes[from] = static_cast<char>('0' + below(10));
    return;
  }
  std::size_t to = from;
  while (from > 0 && of_number(bytes[from - 1])) --from;
  while (to < bytes.size() && of_number(bytes[to])) ++to;
  bytes.replace(from, to - from, kNumbers[below(std::size(kNumbers))]);
}

}  // namespace scalemix::fuzz
