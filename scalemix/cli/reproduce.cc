// scalemix reproduce [NAME] [--full] [--seed S] [--seeds K] [--data SET] [--out FOLDER] [--json]
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
#include "scalemix/run/folder.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;
using reproduce::Against;
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
  out["against"] = reproduce::name(row.against);
  out["drawn"] = row.drawn;
  out["from"] = row.from;
  return out;
}

/// yes, no or not resolved
std::string verdict(const std::optional<bool>& holds) {
  return !holds ? "not resolved" : *holds ? "yes" : "no";
}

ordered_json to_json(const reproduce::Claim& claim) {
  return {
      {"sentence", claim.sentence}, {"holds", verdict(claim.holds)}, {"because", claim.because}};
}

constexpr Against kAgainst[] = {Against::published, Against::program, Against::own};

struct Count {
  std::size_t compared = 0, within = 0;
};
Count count(const std::vector<Row>& rows, Against against) {
  Count out;
  for (const Row& row : rows) {
    if (!row.reference || row.against != against) continue;
    ++out.compared;
    out.within += *row.within();
  }
  return out;
}

ordered_json to_json(const Entry& entry, const ReproduceOptions& o,
                     const reproduce::Result& result) {
  ordered_json out = {{"name", entry.name},
                      {"summary", entry.summary},
                      {"source", entry.source},
                      {"size", reproduce::name(o.effort.size)},
                      {"seed", o.effort.seed},
                      {"seeds", std::max(o.effort.seeds, result.seeds)},
                      {"counts", ordered_json::object()},
                      {"claims", ordered_json::array()},
                      {"rows", ordered_json::array()},
                      {"notes", result.notes}};
  for (const Against against : kAgainst) {
    const Count n = count(result.rows, against);
    out["counts"][reproduce::name(against)] = {{"compared", n.compared}, {"within", n.within}};
  }
  for (const reproduce::Claim& claim : result.claims) out["claims"].push_back(to_json(claim));
  for (const Row& row : result.rows) out["rows"].push_back(to_json(row));
  return out;
}

std::string text(double value) { return fmt::format("{:.5g}", value); }

void print_rows(const std::vector<Row>& rows, std::ostream& out) {
  Table table({"quantity", "ours", "+-", "reference", "tolerance", "", "against", "from"});
  for (const Row& row : rows) {
    std::vector<std::string> cells = {row.quantity, text(row.ours),
                                      row.error ? fmt::format("{:.2g}", *row.error) : "-"};
    if (row.reference) {
      cells.insert(cells.end(), {text(*row.reference), fmt::format("{:.2g}", row.tolerance),
                                 *row.within() ? "ok" : "MISS",
                                 std::string(reproduce::name(row.against)), row.from});
    }
    table.add(cells);
  }
  table.print(out);
}

void print_counts(const std::vector<Row>& rows, std::ostream& out) {
  static constexpr const char* kWhat[] = {
      "reproduced: of the numbers that were published or released",
      "reproduced: of the numbers of other programs",
      "consistent: of our own theory or arithmetic"};
  for (const Against against : kAgainst) {
    const Count n = count(rows, against);
    const std::string missed =
        n.within < n.compared ? fmt::format(", {} MISSED", n.compared - n.within) : "";
    out << fmt::format("{:<60} {:>3} of {}{}\n", kWhat[static_cast<int>(against)], n.within,
                       n.compared, missed);
  }
}

void print_claims(const std::vector<reproduce::Claim>& claims, std::ostream& out) {
  for (const reproduce::Claim& c : claims) {
    out << fmt::format("{:<13} {}: {}\n", verdict(c.holds), c.sentence, c.because);
  }
  if (!claims.empty()) out << '\n';
}

/// Makes the folder of the results. Throws ConfigError if it holds what is not of `reproduce`.
void make_folder(const std::string& folder) {
  const std::filesystem::path path(folder);
  std::error_code none;
  const bool ours = std::filesystem::exists(path / "result.json", none);
  for (const char* name : {"figure.csv", "figure.svg"}) {
    if (ours || !std::filesystem::exists(path / name, none)) continue;
    throw ConfigError(
        fmt::format("{}: holds a {} of another origin; give a new folder", folder, name));
  }
  if (run::is_run(folder)) {
    throw ConfigError(folder + ": holds a run; give a new folder");
  }
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
  write_atomically(path("result.json"), json.dump(2) + "\n");  // it says whose the others are
  write_atomically(path("figure.csv"), report::csv(figure));
  write_atomically(path("figure.svg"), report::svg(figure));
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
  out << '\n';
  print_claims(result.claims, out);
  print_counts(result.rows, out);
  for (const std::string& note : result.notes) out << "note: " << note << '\n';
  out << fmt::format("wrote {}\n", fmt::join(files, ", "));
  return kSuccess;
}

/// Names of the entries that take other images.
std::vector<std::string_view> entries_with_images() {
  std::vector<std::string_view> out;
  for (const Entry& entry : reproduce::entries()) {
    if (entry.takes & reproduce::kImages) out.push_back(entry.name);
  }
  return out;
}

int run(ReproduceOptions o, std::ostream& out) {
  if (o.effort.seeds == 0) throw ConfigError("reproduce: --seeds must be at least 1, got 0");
  use_threads(o.threads);
  o.effort.size = o.full ? reproduce::Size::full : reproduce::Size::reduced;
  o.effort.quiet = o.quiet;
  for (const Entry& entry : reproduce::entries()) {
    if (entry.name != o.name) continue;
    if (o.effort.seeds > 1 && !(entry.takes & reproduce::kSeeds)) {
      throw ConfigError(fmt::format(
          "reproduce: --seeds is for entries that train networks; {} does not", entry.name));
    }
    if (!o.effort.data.empty() && !(entry.takes & reproduce::kImages)) {
      throw ConfigError(fmt::format("reproduce: --data is for {}; {} has its own",
                                    fmt::join(entries_with_images(), " and "), entry.name));
    }
    return run_entry(entry, o, out);
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
  sub.add_option("--seeds", o->effort.seeds,
                 "Trainings with this many seeds, from --seed on, and intervals")
      ->type_name("K")
      ->transform(whole_number(1000))
      ->capture_default_str();
  sub.add_option("--data", o->effort.data,
                 fmt::format("Images for {}: a set's name, a file or a folder; default: mnist",
                             fmt::join(entries_with_images(), " and ")))
      ->type_name("NAME|FILE|FOLDER");
  sub.add_option("--out", o->out,
                 "Folder for figure.csv, figure.svg and result.json; default: reproduce/NAME")
      ->type_name("FOLDER");
  add_threads_option(sub, o->threads);
  sub.add_flag("--json", o->json, "Print JSON");
  sub.add_flag("--quiet", o->quiet, "No progress");
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
