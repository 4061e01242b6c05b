// scalemix gram --data x.csv --kernel ntk --activation relu --depth 3 --noise bernoulli:p=0.1
//   --out k.npy
//
// The NNGP or NTK matrix of an infinitely wide network with noise, as NumPy float64.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <span>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/error.h"
#include "scalemix/base/parallel.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/paths.h"
#include "scalemix/data/npy.h"
#include "scalemix/data/numbers.h"
#include "scalemix/law/any_law.h"
#include "scalemix/signal/gram.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::uint64_t kMostDepth = 1'000'000;

struct GramCommand {
  RowOptions rows;
  std::string data2, kernel = "nngp", activation = "relu", noise, out;
  std::uint64_t depth = 3;
  double sigma_w2 = 2, sigma_b2 = 0;
  bool noise_input = false, json = false;
  std::optional<double> residual;
  int threads = 0;

  bool ntk() const { return kernel == "ntk"; }
};

signal::GramOptions options_of(const GramCommand& o) {
  signal::GramOptions g;
  g.activation = signal::Activation::parse(o.activation);
  g.depth = o.depth;
  g.sigma_w2 = o.sigma_w2;
  g.sigma_b2 = o.sigma_b2;
  g.residual = o.residual;
  if (o.noise.empty()) return g;
  const law::AnyLaw law = law::AnyLaw::parse(o.noise);
  if (!law.normalised() && std::isfinite(law.mu2())) {
    throw ConfigError("--noise: " + law.spec() +
                      " has mean 0: as a multiplier it leaves no signal, expected a law of mean 1");
  }
  g.mu2 = law.mu2();
  g.noise_input = o.noise_input;
  return g;
}

/// An .npy file in memory whose matrix has yet to be filled: nothing N^2 is held twice.
class MatrixFile {
 public:
  MatrixFile(std::size_t rows, std::size_t columns)
      : header_(data::npy_header("<f8", {rows, columns})),
        size_(rows * columns),
        // Not zeroed: the threads that fill it touch its pages first.
        numbers_(new double[header_.size() / sizeof(double) + size_]) {
    std::memcpy(numbers_.get(), header_.data(), header_.size());
  }
  double* matrix() { return numbers_.get() + header_.size() / sizeof(double); }
  std::span<const double> values() const {
    return {numbers_.get() + header_.size() / sizeof(double), size_};
  }
  std::span<const std::byte> bytes() const {
    return std::as_bytes(
        std::span<const double>(numbers_.get(), header_.size() / sizeof(double) + size_));
  }

 private:
  std::string header_;
  std::size_t size_;
  std::unique_ptr<double[]> numbers_;
};

ordered_json summary(const GramCommand& o, const signal::GramOptions& g, const data::Numbers& x,
                     std::size_t columns, const MatrixFile& file, double seconds) {
  const auto [low, high] = std::minmax_element(file.values().begin(), file.values().end());
  ordered_json out = {{"kernel", o.kernel},
                      {"rows", x.rows},
                      {"columns", columns},
                      {"inputs", x.columns},
                      {"activation", g.activation.spec()},
                      {"depth", g.depth},
                      {"sigma_w2", g.sigma_w2},
                      {"sigma_b2", g.sigma_b2},
                      {"noise", o.noise.empty() ? ordered_json() : ordered_json(o.noise)},
                      {"mu2", g.mu2},
                      {"noise_input", g.noise_input}};
  out["residual"] = g.residual ? ordered_json(*g.residual) : ordered_json();
  out["least"] = *low;
  out["most"] = *high;
  out["seconds"] = seconds;
  out["threads"] = threads();
  out["file"] = o.out;
  out["bytes"] = file.bytes().size();
  return out;
}

void print(const ordered_json& s, std::ostream& out) {
  out << fmt::format("{} of {} x {} rows of {} numbers, {} x {}{}: {:.6g} to {:.6g}, {:.3g} s\n",
                     s["kernel"] == "ntk" ? "NTK" : "NNGP", s["rows"].get<std::size_t>(),
                     s["columns"].get<std::size_t>(), s["inputs"].get<std::size_t>(),
                     s["depth"].get<std::size_t>(), s["activation"].get<std::string>(),
                     s["noise"].is_null() ? "" : ", " + s["noise"].get<std::string>(),
                     s["least"].get<double>(), s["most"].get<double>(), s["seconds"].get<double>())
      << "wrote " << s["file"].get<std::string>() << '\n';
}

int run(const GramCommand& o, std::ostream& out) {
  use_threads(o.threads);
  const signal::GramOptions g = options_of(o);
  const data::Numbers x = data::read_numbers(o.rows.data, o.rows.open_options());
  const bool cross = !o.data2.empty();
  const data::Numbers x2 =
      cross ? data::read_numbers(o.data2, o.rows.open_options()) : data::Numbers();
  const signal::RowsView view{x.values.data(), x.rows, x.columns};
  MatrixFile file(x.rows, cross ? x2.rows : x.rows);
  const signal::GramOut to{o.ntk() ? nullptr : file.matrix(), o.ntk() ? file.matrix() : nullptr};
  const auto begin = std::chrono::steady_clock::now();
  if (cross) {
    signal::gram(g, view, {x2.values.data(), x2.rows, x2.columns}, to);
  } else {
    signal::gram(g, view, to);
  }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  write_atomically(o.out, file.bytes());
  const ordered_json s = summary(o, g, x, cross ? x2.rows : x.rows, file, time.count());
  if (o.json) {
    out << s.dump(2) << '\n';
  } else {
    print(s, out);
  }
  return kSuccess;
}

void add_network_options(CLI::App& sub, GramCommand& o) {
  take_words(sub.add_option("--kernel", o.kernel, "Covariance of outputs, or tangent kernel"),
             {"nngp", "ntk"})
      ->capture_default_str();
  sub.add_option("--activation", o.activation, "As in `scalemix list`: leaky_relu:slope=0.1")
      ->capture_default_str()
      ->type_name("ACTIVATION");
  sub.add_option("--depth", o.depth, "Hidden layers; 0 is a linear model")
      ->capture_default_str()
      ->type_name("L")
      ->transform(whole_number(kMostDepth));
  sub.add_option("--sigma-w2", o.sigma_w2, "Variance of a weight times the fan-in")
      ->capture_default_str();
  sub.add_option("--sigma-b2", o.sigma_b2, "Variance of a bias")->capture_default_str();
  sub.add_option("--noise", o.noise, "Law of the noise on every hidden activation: bernoulli:p=0.1")
      ->type_name("LAW");
  sub.add_flag("--noise-input", o.noise_input, "Noise on the input as well")->needs("--noise");
  sub.add_option("--residual", o.residual,
                 "Skip connections around hidden layers, branches scaled by A")
      ->expected(0, 1)
      ->default_str("1")
      ->type_name("[A]");
}

}  // namespace

Action setup_gram(CLI::App& sub) {
  auto o = std::make_shared<GramCommand>();
  add_row_options(sub, o->rows, true);
  sub.add_option("--data2", o->data2, "A second set of rows: the kernel between the two")
      ->type_name("NAME|FILE|FOLDER");
  add_network_options(sub, *o);
  writes(sub.add_option("--out", o->out, "File for the matrix, .npy"))
      ->required()
      ->type_name("FILE");
  add_threads_option(sub, o->threads);
  sub.add_flag("--json", o->json, "Print JSON");
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
