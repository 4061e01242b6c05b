#include "scalemix/cli/options.h"

#include <fmt/format.h>

#include "scalemix/base/parallel.h"

namespace scalemix::inline v0::cli {

void add_model_options(CLI::App& sub, ModelOptions& o) {
  sub.add_option("model", o.path, "Model file or run folder")->required()->type_name("MODEL|RUN");
  sub.add_option("--replica", o.replica,
                 "Only replica K of a run (from 0); default: all, as an ensemble")
      ->type_name("K")
      ->check(CLI::NonNegativeNumber);
}

data::OpenOptions RowOptions::open_options() const {
  data::OpenOptions options;
  if (header != "auto") options.header = header == "yes";
  options.rows = rows;
  options.seed = data_seed;
  return options;
}

void add_row_options(CLI::App& sub, RowOptions& o, bool required) {
  CLI::Option* data = sub.add_option("--data", o.data,
                                     "Rows: a data set's name, a file, a folder, or - for a "
                                     "table on standard input");
  data->type_name("NAME|FILE|FOLDER|-");
  if (required) data->required();
  sub.add_option("--header", o.header, "First row of a table holds names: yes, no, or auto")
      ->check(CLI::IsMember({"auto", "yes", "no"}))
      ->type_name("WHETHER")
      ->capture_default_str();
  sub.add_option("--rows", o.rows, "How many rows a generator makes; 0: its default")
      ->type_name("N")
      ->capture_default_str();
  sub.add_option("--data-seed", o.data_seed, "Seed of a generator")
      ->type_name("S")
      ->capture_default_str();
}

void add_draw_options(CLI::App& sub, DrawOptions& o) {
  sub.add_option("--samples", o.samples,
                 "Monte-Carlo draws; 0: deterministic; default: 100 if the network has "
                 "noise, else 0")
      ->type_name("N")
      ->check(CLI::Range(0, 1000000));
  sub.add_option("--seed", o.seed, "Seed of the draws")->type_name("S")->capture_default_str();
}

void add_threads_option(CLI::App& sub, int& threads) {
  sub.add_option("--threads", threads, "Threads; 0: all cores")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

void use_threads(int threads) {
  if (threads > 0) set_threads(threads);
}

void warn(const std::string& what) { fmt::print(stderr, "scalemix: warning: {}\n", what); }

}  // namespace scalemix::inline v0::cli
