// scalemix reproduce [NAME] [--full] [--seed S] [--out FOLDER] [--json]
//
// A published table or figure again, from data to numbers beside the published ones.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/error.h"
#include "scalemix/base/parallel.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/names.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/reproduce/entry.h"
#include "scalemix/cli/table.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;
using reproduce::Entry;
using reproduce::Row;

struct ReproduceOptions {
  std::string name, out;
  reproduce::Effort effort;
  bool full = false, json = false, quiet = false;
  int threads = 0;
};

/// JSON has no infinity.
ordered_json finite(double value) {
  return std::isfinite(value) ? ordered_json(value) : ordered_json(fmt::format("{}", value));
}

ordered_json to_json(const Row& row) {
  ordered_json out = {{"quantity", row.quantity}, {"ours", finite(row.ours)}};
  out["standard_error"] = row.error ? finite(*row.error) : ordered_json();
  if (!row.reference) return out;
  out["reference"] = finite(*row.reference);
  out["tolerance"] = finite(row.tolerance);
  out["within"] = *row.within();
  out["from"] = row.from;
  return out;
}

std::size_t compared(const std::vector<Row>& rows) {
  return static_cast<std::size_t>(std::count_if(
      rows.begin(), rows.end(), [](const Row& row) { return row.reference.has_value(); }));
}

std::size_t within(const std::vector<Row>& rows) {
  return static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [](const Row& row) { return row.within() == true; }));
}

ordered_json to_json(const Entry& entry, const ReproduceOptions& o,
                     const reproduce::Result& result) {
  ordered_json out = {{"name", entry.name},
                      {"summary", entry.summary},
                      {"source", entry.source},
                      {"size", reproduce::name(o.effort.size)},
                      {"seed", o.effort.seed},
                      {"compared", compared(result.rows)},
                      {"within", within(result.rows)},
                      {"rows", ordered_json::array()},
                      {"notes", result.notes}};
  for (const Row& row : result.rows) out["rows"].push_back(to_json(row));
  return out;
}

std::string text(double value) { return fmt::format("{:.5g}", value); }

void print_rows(const std::vector<Row>& rows, std::ostream& out) {
  Table table({"quantity", "ours", "+-", "reference", "tolerance", "", "from"});
  for (const Row& row : rows) {
    std::vector<std::string> cells = {row.quantity, text(row.ours),
                                      row.error ? fmt::format("{:.2g}", *row.error) : "-"};
    if (row.reference) {
      cells.insert(cells.end(), {text(*row.reference), fmt::format("{:.2g}", row.tolerance),
                                 *row.within() ? "ok" : "MISS", row.from});
    }
    table.add(cells);
  }
  table.print(out);
}

std::string summary(const std::vector<Row>& rows) {
  const std::size_t all = compared(rows), good = within(rows);
  return fmt::format(
      "{} of {} numbers are within tolerance + 3 standard errors of their reference{}", good, all,
      good < all ? fmt::format("; {} MISSED", all - good) : "");
}

void make_folder(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) throw FileError(folder, "cannot be made: " + failed.message());
}

/// Writes figure.csv, figure.svg and result.json; returns their paths.
std::vector<std::string> write_files(const std::string& folder, const report::Figure& figure,
                                     const ordered_json& json) {
  const auto path = [&](const char* name) {
    return (std::filesystem::path(folder) / name).string();
  };
  write_atomically(path("figure.csv"), report::csv(figure));
  write_atomically(path("figure.svg"), report::svg(figure));
  write_atomically(path("result.json"), json.dump(2) + "\n");
  return {path("figure.csv"), path("figure.svg"), path("result.json")};
}

int list_entries(bool json, std::ostream& out) {
  if (json) {
    for (const NameTable& table : name_tables()) {
      if (table.kind == "reproduce") out << table.rows().dump(2) << '\n';
    }
    return kSuccess;
  }
  Table table({"name", "what", "source", "time", "--full"});
  for (const Entry& e : reproduce::entries()) {
    table.add({std::string(e.name), std::string(e.summary), std::string(e.source),
               std::string(e.time), std::string(e.full_time)});
  }
  table.print(out);
  out << "times on two cores; 'scalemix reproduce NAME' runs one\n";
  return kSuccess;
}

int run_entry(const Entry& entry, const ReproduceOptions& o, std::ostream& out) {
  const std::string folder = o.out.empty() ? fmt::format("reproduce/{}", entry.name) : o.out;
  make_folder(folder);  // before the work, so that a bad one is told at once
  const auto begin = std::chrono::steady_clock::now();
  const reproduce::Result result = entry.run(o.effort);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  ordered_json json = to_json(entry, o, result);
  const std::vector<std::string> files = write_files(folder, result.figure, json);
  json["threads"] = threads();
  json["seconds"] = seconds;
  json["files"] = files;
  if (o.json) {
    out << json.dump(2) << '\n';
    return kSuccess;
  }
  out << fmt::format("{}: {}\nsource: {}\n{} size, seed {}, {} threads, {:.1f} s\n\n", entry.name,
                     entry.summary, entry.source, reproduce::name(o.effort.size), o.effort.seed,
                     threads(), seconds);
  print_rows(result.rows, out);
  out << fmt::format("\n{}\n", summary(result.rows));
  for (const std::string& note : result.notes) out << "note: " << note << '\n';
  out << fmt::format("wrote {}\n", fmt::join(files, ", "));
  return kSuccess;
}

int run(ReproduceOptions o, std::ostream& out) {
  use_threads(o.threads);
  o.effort.size = o.full ? reproduce::Size::full : reproduce::Size::reduced;
  o.effort.quiet = o.quiet;
  for (const Entry& entry : reproduce::entries()) {
    if (entry.name == o.name) return run_entry(entry, o, out);
  }
  return list_entries(o.json, out);
}

}  // namespace

Action setup_reproduce(CLI::App& sub) {
  auto o = std::make_shared<ReproduceOptions>();
  std::vector<std::string> names;
  for (const Entry& entry : reproduce::entries()) names.emplace_back(entry.name);
  take_words(sub.add_option("name", o->name, "What to reproduce; default: list what there is"),
             names)
      ->type_name("NAME");
  sub.add_flag("--full", o->full, "At the published size; default: one that takes a minute or two");
  sub.add_option("--seed", o->effort.seed, "Seed of all that is drawn")
      ->type_name("S")
      ->transform(whole_number(std::numeric_limits<std::uint64_t>::max()))
      ->capture_default_str();
  sub.add_option("--out", o->out,
                 "Folder for figure.csv, figure.svg and result.json; default: reproduce/NAME")
      ->type_name("FOLDER");
  add_threads_option(sub, o->threads);
  sub.add_flag("--json", o->json, "Print JSON");
  sub.add_flag("--quiet", o->quiet, "No progress");
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
