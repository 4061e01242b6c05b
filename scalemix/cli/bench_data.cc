// Reading a table of numbers: from the text of a file to the rows that training takes.

#include <fmt/format.h>

#include <iterator>

#include "scalemix/cli/bench.h"
#include "scalemix/data/schema.h"
#include "scalemix/data/table.h"
#include "scalemix/random/stream.h"

namespace scalemix::inline v0::cli {
namespace {

constexpr std::size_t kRows = 20'000, kColumns = 20;

std::string csv_text() {
  const Stream stream{1, stream_id(Purpose::generate, 1), 0};
  std::string text;
  for (std::size_t j = 0; j < kColumns; ++j) text += fmt::format("{}c{}", j ? "," : "", j);
  for (std::size_t i = 0; i < kRows * kColumns; ++i) {
    fmt::format_to(std::back_inserter(text), "{}{:.6f}", i % kColumns ? "," : "\n",
                   4 * stream.uniform(i) - 2);
  }
  return text += '\n';
}

BenchRow csv(const BenchEffort& effort) {
  const std::string text = csv_text();
  const auto read = [&] {
    const data::Table table = data::parse_table(text, "bench.csv");
    if (data::encode(table, data::learn_schema(table)).rows != kRows) {
      throw std::logic_error("bench: rows were lost");
    }
  };
  return {.time = time_calls(effort, read),
          .items = kRows,
          .unit = "row",
          .bytes = static_cast<double>(text.size())};
}

}  // namespace

std::vector<BenchCase> bench_data() { return {{"data", "csv, 20 numbers per row", csv}}; }

}  // namespace scalemix::inline v0::cli
