#include "scalemix/cli/confusion.h"

#include <algorithm>
#include <ostream>

#include "scalemix/cli/table.h"
#include "scalemix/metric/classification.h"

namespace scalemix::inline v0::cli {
namespace {

constexpr std::size_t kMostClasses = 12;  // of a table that fits a terminal
constexpr std::size_t kPairs = 10;

void print_matrix(const nlohmann::ordered_json& confusion, std::ostream& out) {
  std::vector<std::string> head = {"  class"};
  for (const auto& name : confusion["classes"]) head.push_back(name.get<std::string>());
  Table table(head);
  for (std::size_t k = 0; k < confusion["counts"].size(); ++k) {
    std::vector<std::string> row = {"  " + confusion["classes"][k].get<std::string>()};
    for (const auto& count : confusion["counts"][k]) {
      row.push_back(std::to_string(count.get<std::size_t>()));
    }
    table.add(row);
  }
  table.print(out);
}

struct Pair {
  std::size_t rows, from, to;
};

void print_pairs(const nlohmann::ordered_json& confusion, std::ostream& out) {
  std::vector<Pair> pairs;
  for (std::size_t from = 0; from < confusion["counts"].size(); ++from) {
    for (std::size_t to = 0; to < confusion["counts"].size(); ++to) {
      const auto rows = confusion["counts"][from][to].get<std::size_t>();
      if (from != to && rows > 0) pairs.push_back({rows, from, to});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.rows > b.rows; });
  Table table({"  class", "predicted", "rows"});
  for (std::size_t i = 0; i < std::min(kPairs, pairs.size()); ++i) {
    table.add({"  " + confusion["classes"][pairs[i].from].get<std::string>(),
               confusion["classes"][pairs[i].to].get<std::string>(),
               std::to_string(pairs[i].rows)});
  }
  table.print(out);
}

}  // namespace

nlohmann::ordered_json confusion_json(const predict::RowPredictions& said,
                                      const data::LabelledRows& rows,
                                      const std::vector<std::string>& names) {
  if (said.p.empty()) return nullptr;
  const std::vector<std::size_t> matrix = metric::confusion(said.p, rows.label);
  const std::size_t classes = said.p.size() / rows.label.size();
  nlohmann::ordered_json out = {{"classes", nlohmann::ordered_json::array()},
                                {"counts", nlohmann::ordered_json::array()}};
  for (std::size_t k = 0; k < classes; ++k) {
    out["classes"].push_back(k < names.size() ? names[k] : std::to_string(k));
    const auto row = matrix.begin() + static_cast<std::ptrdiff_t>(k * classes);
    out["counts"].push_back(
        std::vector<std::size_t>(row, row + static_cast<std::ptrdiff_t>(classes)));
  }
  return out;
}

void print_confusion(const nlohmann::ordered_json& confusion, std::ostream& out) {
  if (confusion["classes"].size() <= kMostClasses) {
    out << "\nrows of each class by what was predicted\n";
    print_matrix(confusion, out);
  } else {
    out << "\nclasses taken for others most often\n";
    print_pairs(confusion, out);
  }
}

}  // namespace scalemix::inline v0::cli
