#include "scalemix/run/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"
#include "scalemix/base/known.h"
#include "scalemix/base/limits.h"
#include "scalemix/base/read_file.h"
#include "scalemix/data/notation.h"
#include "scalemix/optim/rule.h"
#include "scalemix/train/grid.h"

namespace scalemix::inline v0::run {
namespace {

using C = TrainConfig;

/// text(rule) of every update rule, joined.
template <class Text>
std::string of_rules(std::string_view between, const Text& text) {
  std::vector<std::string> parts;
  for (const optim::Rule& rule : optim::rules()) parts.push_back(text(rule));
  return fmt::format("{}", fmt::join(parts, between));
}

const std::string kOptimisers =
    of_rules("|", [](const optim::Rule& rule) { return std::string(rule.name); });
const std::string kOptimiserHelp = "update rule; " + of_rules("; ", [](const optim::Rule& rule) {
                                     return fmt::format("{}: {}", rule.name, rule.summary);
                                   });
const std::string kRateHelp =
    fmt::format("learning rate (0: {})", of_rules(", ", [](const optim::Rule& rule) {
                  return fmt::format("{:g} for {}", rule.lr, rule.name);
                }));

const std::vector<Field> kFields = {
    {"data", &C::data, "NAME|FILE|FOLDER",
     "what to learn from (default: the built-in digits, glyphs)", "Data"},
    {"target", &C::target, "COLUMN", "target column, by name or number from 1 (default: the last)",
     "Data"},
    {"task", &C::task, "auto|regression|classification",
     "what the target is (auto: text makes classes)", "Data"},
    {"categorical", &C::categorical, "COLUMN",
     "read a column of numbers as categories (repeatable)", "Data"},
    {"ignore", &C::ignore, "COLUMN", "leave a column out (repeatable, or a,b)", "Data"},
    {"as", &C::as, "KIND:COLUMN",
     "read a column as number, category, date, or as one part of a date: year, month, weekday, "
     "seconds (repeatable)",
     "Data"},
    {"id", &C::id, "COLUMN", "no input: a column that goes with the predictions", "Data"},
    {"decimal", &C::decimal, ".|,", "the decimal sign of the table's numbers", "Data"},
    {"thousands", &C::thousands, "CHAR",
     "what stands between thousands: , . ' _ or space (default: nothing)", "Data"},
    {"units", &C::units, "TEXT", "a unit that is taken off numbers, such as $ or % (repeatable)",
     "Data"},
    {"missing", &C::missing, "mean|error|drop",
     "what to do with missing cells (drop: leave the row out)", "Data"},
    {"header", &C::header, "auto|yes|no", "whether the first row holds names", "Data"},
    {"image_size", &C::image_size, "HxW",
     "pictures are brought to this size (default: they have one)", "Data"},
    {"augment", &C::augment, "pad_crop[:pixels=4]|flip[:p=0.5]|cutout[:size=8]",
     "changes of training images, drawn for every row and epoch (repeatable)", "Data"},
    {"splits", &C::splits, "all|K",
     "splits that came with the data (all, or the first K), or K "
     "random ones, trained as replicas",
     "Division"},
    {"split", &C::split, "I", "only split I (from 0) of those that came with the data", "Division"},
    {"folds", &C::folds, "K", "K-fold cross-validation, one replica per fold", "Division"},
    {"test_fraction", &C::test_fraction, "F", "share of rows for the test set if the data has none",
     "Division"},
    {"test", &C::test, "FILE", "a table of the same columns whose rows are the test set",
     "Division"},
    {"stratify", &C::stratify, "auto|target|none",
     "keep proportions in every part: of classes (auto), or of tenths of a regression's target",
     "Division"},
    {"group", &C::group, "COLUMN",
     "rows with the same value stay on one side of a division; no input", "Division"},
    {"time_split", &C::time_split, "COLUMN",
     "the last rows by this column, numbers or dates, are the test set", "Division"},
    {"validation_fraction", &C::validation_fraction, "F",
     "share of the training rows held out for validation (early stopping needs it)", "Division"},
    {"model", &C::model, "ARCH|FILE", "architecture: mlp:300-100, lenet5, ... (scalemix list)",
     "Network"},
    {"method", &C::method, "METHOD",
     "noise: bernoulli:p=0.5, svdo, ... (repeatable; scalemix list)", "Network"},
    {"prior", &C::prior, "PRIOR",
     "penalty -log p of every weight, or of groups that share a scale: laplace:scale=0.1, horseshoe,group=row, induced:LAW (scalemix list priors)",
     "Network"},
    {"from", &C::from_model, "MODEL|RUN",
     "start from a trained model: layers of the same name and shape get its weights", "Network"},
    {"teacher", &C::teacher, "MODEL|RUN",
     "learn the answers of a trained model, or of a run's ensemble (--objective distil)",
     "Network"},
    {"init", &C::init,
     "auto|critical[:G]|he|xavier|glorot|orthogonal|looks_linear|fractional:S|normal:SD|"
     "uniform:H",
     "initial weights; critical: signals neither grow nor vanish under the noise", "Network"},
    {"epochs", &C::epochs, "N", "how often each training row is used (0: by data and method)",
     "Optimisation"},
    {"batch", &C::batch, "N", "rows per step (0: 100 for images, 128 for tables)", "Optimisation"},
    {"optimiser", &C::optimiser, kOptimisers, kOptimiserHelp, "Optimisation"},
    {"lr", &C::lr, "RATE", kRateHelp, "Optimisation"},
    {"lr_warmup", &C::lr_warmup, "EPOCHS", "epochs over which the learning rate grows from 0",
     "Optimisation"},
    {"prune", &C::prune, "none|fixed|magnitude[:sparsity=S,...]",
     "weights held at zero: those that are zero at the start, or more and more of the smallest",
     "Optimisation"},
    {"average", &C::average, "D",
     "the model is the running mean of the weights with this decay, 0.999 or so (0: the last weights)",
     "Optimisation"},
    {"spread", &C::spread, "SHARE",
     "keep the variance of each weight over this last share of the steps, for `prune --estimator spread`",
     "Optimisation"},
    {"weight_decay", &C::weight_decay, "L",
     "coefficient of weight decay, on weights, not on biases", "Optimisation"},
    {"length_scale", &C::length_scale, "L",
     "with --precision TAU: the weight decay of a prior of this length-scale (0: none)",
     "Optimisation"},
    {"schedule", &C::schedule,
     "auto|constant|step[:every=N,factor=F]|cosine|linear|poly[:power=P]|exponential[:factor=F]",
     "learning rate over epochs (linear: to zero over the second half)", "Optimisation"},
    {"warmup_start", &C::warmup_start, "EPOCH",
     "epoch at which the penalty starts to count (-1: auto)", "Optimisation"},
    {"warmup", &C::warmup, "EPOCHS", "epochs over which the penalty's weight grows to 1 (-1: auto)",
     "Optimisation"},
    {"warmup_shape", &C::warmup_shape, "linear|cubic", "how the penalty's weight grows",
     "Optimisation"},
    {"penalty", &C::penalty, "F", "factor on the penalty (1: the variational bound)",
     "Optimisation"},
    {"clip", &C::clip, "NORM", "largest norm of the gradient (0: no clipping)", "Optimisation"},
    {"patience", &C::patience, "N",
     "stop after N epochs without a better validation score, keep the best (0: never); needs "
     "--validation-fraction",
     "Optimisation"},
    {"train_samples", &C::train_samples, "S", "draws of the noise for each row in a step",
     "Optimisation"},
    {"objective", &C::objective,
     "mc|importance|tail_adaptive|r_drop[:alpha=A]|distil[:temperature=T,hard=H]",
     "what a step makes of its draws: mean log-likelihood, log of the mean likelihood, weights by rank, or the mean less what two draws differ by",
     "Optimisation"},
    {"precision", &C::precision, "learned|tuned|TAU|standardised:TAU",
     "noise precision of a regression target: learned with the weights, chosen on held-out rows (tuned, or tuned:TAU,TAU,...), given in 1 / target units squared (one, or one for each replica), or of the standardised target",
     "Optimisation"},
    {"grid", &C::grid, "KEY=V,V,...",
     "train a replica for each value of lr, penalty or weight_decay (repeatable: all combinations)",
     "Optimisation"},
    {"seed", &C::seed, "N", "seed of everything that is random", "Run"},
    {"seeds", &C::seeds, "N", "train N replicas with seeds seed ... seed + N - 1", "Run"},
    {"threads", &C::threads, "N", "threads (0: all cores)", "Run"},
    {"samples", &C::samples, "N",
     "Monte-Carlo draws of the final evaluation (-1: 100 if the network is noisy, 10 with "
     "convolutions; 0: none)",
     "Run"},
    {"checkpoint_seconds", &C::checkpoint_seconds, "S", "write a checkpoint about every S seconds",
     "Run"},
    {"checkpoint_steps", &C::checkpoint_steps, "N", "write a checkpoint every N steps instead",
     "Run"},
    {"out", &C::out, "FOLDER", "run folder (default: runs/DATA-MODEL-METHOD, numbered)", "Run"},
};

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

template <class T>
T number(const Field& field, const std::string& text, const std::string& origin) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) {
    throw ConfigError(fmt::format("{}: {} must be {}, got '{}'", origin, field.key,
                                  std::is_integral_v<T> ? "a whole number" : "a number", text));
  }
  return value;
}

void set_from_node(TrainConfig& config, const Field& field, const toml::node& node,
                   const std::string& origin) {
  if (const auto* list = node.as_array()) {
    if (auto* member = std::get_if<std::vector<std::string> C::*>(&field.member)) {
      (config.**member).clear();
      for (const toml::node& item : *list) set_from_node(config, field, item, origin);
      return;
    }
    throw ConfigError(fmt::format("{}: {} takes one value, got a list", origin, field.key));
  }
  if (const auto text = node.value_exact<std::string>()) {
    return set_from_text(config, field, *text, origin);
  }
  if (const auto whole = node.value_exact<std::int64_t>()) {
    return set_from_text(config, field, fmt::format("{}", *whole), origin);
  }
  if (const auto real = node.value_exact<double>()) {
    return set_from_text(config, field, fmt::format("{}", *real), origin);
  }
  throw ConfigError(
      fmt::format("{}: {} must be a number, a text or a list of texts", origin, field.key));
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

constexpr std::string_view kVariables = "SCALEMIX_TRAIN_";

/// The environment variable of a key.
std::string variable_of(const Field& field) {
  std::string name(kVariables);
  for (const char c : field.key) name += static_cast<char>(std::toupper(c));
  return name;
}

const Field* find(std::string_view key) {
  const auto it = std::find_if(kFields.begin(), kFields.end(),
                               [&](const Field& field) { return field.key == key; });
  return it == kFields.end() ? nullptr : &*it;
}

void require(bool ok, std::string_view key, std::string_view expected, const auto& got) {
  if (!ok) throw ConfigError(fmt::format("{} must be {}, got {}", key, expected, got));
}

void require_word(std::string_view key, const std::string& got,
                  const std::vector<std::string>& words) {
  if (std::find(words.begin(), words.end(), got) != words.end()) return;
  throw ConfigError(fmt::format("{} {}", key, not_one_of(words, got)));
}

}  // namespace

const std::vector<Field>& train_fields() { return kFields; }

std::string flag_of(std::string_view key) {
  std::string flag(key);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

void set_from_text(TrainConfig& config, const Field& field, const std::string& text,
                   const std::string& origin) {
  std::visit(
      Overloaded{
          [&](std::string C::*m) { config.*m = text; },
          [&](std::vector<std::string> C::*m) { (config.*m).push_back(text); },
          [&](int C::*m) { config.*m = number<int>(field, text, origin); },
          [&](double C::*m) { config.*m = number<double>(field, text, origin); },
          [&](std::uint64_t C::*m) { config.*m = number<std::uint64_t>(field, text, origin); },
      },
      field.member);
}

void read_toml(const std::string& path, TrainConfig& config) {
  toml::table table;
  try {
    table = toml::parse(read_file(path), path);
  } catch (const toml::parse_error& error) {
    throw ConfigError(
        fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
  for (const auto& [key, node] : table) {
    const std::string origin = fmt::format("{}:{}", path, node.source().begin.line);
    const Field* field = find(key.str());
    if (!field) {
      std::vector<std::string> known;
      for (const Field& f : kFields) known.emplace_back(f.key);
      throw ConfigError(origin + ": " + unknown("key", key.str(), known));
    }
    set_from_node(config, *field, node, origin);
  }
}

bool takes_path(std::string_view metavar) {
  while (!metavar.empty()) {
    const std::string_view word = metavar.substr(0, metavar.find('|'));
    metavar.remove_prefix(std::min(metavar.size(), word.size() + 1));
    for (const std::string_view kind : {"FILE", "FOLDER", "MODEL", "RUN", "TEACHER"}) {
      if (word == kind || (word.starts_with(kind) && word[kind.size()] == '.')) return true;
    }
  }
  return false;
}

std::vector<std::string> environment_keys() {
  std::vector<std::string> known, set;
  for (const Field& field : kFields) known.push_back(variable_of(field));
  for (char** entry = environ; *entry; ++entry) {
    const std::string text(*entry), name = text.substr(0, text.find('='));
    if (!text.starts_with(kVariables)) continue;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw ConfigError(unknown_unlisted("environment variable", name, known));
    }
    set.push_back(name);
  }
  return set;
}

void read_environment(TrainConfig& config) {
  environment_keys();
  for (const Field& field : kFields) {
    const std::string name = variable_of(field);
    const char* text = std::getenv(name.c_str());
    if (!text) continue;
    if (!*text && takes_path(field.metavar)) throw ConfigError(name + ": expected a path, got ''");
    if (auto* list = std::get_if<std::vector<std::string> C::*>(&field.member)) {
      (config.**list).clear();
    }
    set_from_text(config, field, text, name);
  }
}

std::string to_toml(const TrainConfig& config) {
  std::string out, group;
  for (const Field& field : kFields) {
    if (field.group != group) {
      group = field.group;
      out += fmt::format("{}# {}\n", out.empty() ? "" : "\n", group);
    }
    const std::string value =
        std::visit(Overloaded{
                       [&](std::string C::*m) { return quoted(config.*m); },
                       [&](std::vector<std::string> C::*m) {
                         std::vector<std::string> items;
                         for (const std::string& item : config.*m) items.push_back(quoted(item));
                         return fmt::format("[{}]", fmt::join(items, ", "));
                       },
                       [&](auto C::*m) { return fmt::format("{}", config.*m); },
                   },
                   field.member);
    out += fmt::format("{} = {}\n", field.key, value);
  }
  return out;
}

nlohmann::ordered_json to_json(const TrainConfig& config) {
  nlohmann::ordered_json out;
  for (const Field& field : kFields) {
    std::visit([&](auto C::*m) { out[std::string(field.key)] = config.*m; }, field.member);
  }
  return out;
}

void validate(const TrainConfig& c) {
  require_word("task", c.task, {"auto", "regression", "classification"});
  require_word("missing", c.missing, {"mean", "error", "drop"});
  require_word("header", c.header, {"auto", "yes", "no"});
  for (const auto& [key, path] : {std::pair{"data", &c.data}, std::pair{"model", &c.model}}) {
    require(!path->empty(), key, "a name or a path", "''");
  }
  require_word("stratify", c.stratify, {"auto", "target", "none"});
  data::make_notation(c.decimal, c.thousands, c.units);
  train::validate(c);
  require(c.split >= -1, "split", "-1 (all) or a number from 0", c.split);
  require(c.folds == 0 || c.folds >= 2, "folds", "0 or at least 2", c.folds);
  require(c.test_fraction >= 0 && c.test_fraction < 1, "test_fraction", "in [0, 1)",
          c.test_fraction);
  train::grid_points(c.grid);
  require(c.seeds >= 1 && std::uint64_t(c.seeds) <= limit(Limit::replicas), "seeds",
          fmt::format("from 1 to {} (SCALEMIX_MAX_REPLICAS)", limit(Limit::replicas)), c.seeds);
  require(c.threads >= 0 && c.threads <= kMostThreads, "threads",
          fmt::format("from 0 (all cores) to {}", kMostThreads), c.threads);
  require(c.samples >= -1, "samples", "-1 (auto) or more", c.samples);
  require(c.checkpoint_seconds >= 0, "checkpoint_seconds", "0 or more", c.checkpoint_seconds);
  require(c.checkpoint_steps >= 0, "checkpoint_steps", "0 or more", c.checkpoint_steps);
}

}  // namespace scalemix::inline v0::run
