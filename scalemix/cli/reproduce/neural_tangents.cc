// The kernels of infinitely wide networks with dropout, NNGP and NTK, as the library Neural Tangents
// computes them (Novak et al. 2020, version 0.6.5 with jax 0.4.23, float64):
//
//   (Dense - phi - Dropout(keep)) x depth - Dense(1), NTK parameterisation, dropout in training mode
//
// of three rows of four numbers. Dropout multiplies the diagonals of both kernels by 1 / keep.

#include <fmt/format.h>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/signal/gram.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

constexpr std::size_t kRows = 3, kColumns = 4, kPairs = 6;
constexpr double kInputs[kRows * kColumns] = {1,   0.5, -0.25, 2,   0.3, -1,
                                              0.7, 1.1, -0.5,  0.8, 1.2, -0.4};

/// Upper triangles, row by row.
struct Kernels {
  const char* activation;
  double sigma_w2, sigma_b2, keep;
  std::size_t depth;
  const char *nngp[kPairs], *ntk[kPairs];
};
constexpr Kernels kKernels[] = {
    {"relu",
     2,
     0.5,
     0.8,
     3,
     {"8.070801", "3.812933", "3.342007", "5.607422", "2.969930", "5.314453"},
     {"28.75195", "7.360738", "5.287521", "18.89844", "4.931514", "17.72656"}},
    {"erf",
     2.25,
     0.09,
     0.8,
     3,
     {"1.681833", "0.4333528", "0.05513874", "1.659160", "0.1222639", "1.654174"},
     {"11.51183", "1.357471", "-0.2074610", "10.20578", "0.05860507", "9.999332"}},
    {"gelu",
     2,
     0.5,
     0.8,
     3,
     {"7.407400", "3.180882", "2.687665", "4.886655", "2.353003", "4.588264"},
     {"27.88226", "6.471851", "4.257302", "17.32741", "3.976316", "16.07168"}},
    {"sine",
     2.25,
     0.09,
     0.9,
     3,
     {"1.238179", "0.3018525", "0.1277569", "1.236607", "0.1431581", "1.235886"},
     {"12.31364", "0.8610451", "0.08294921", "9.186943", "0.1488340", "8.819438"}},
    {"leaky_relu:slope=0.1",
     1.69,
     0.04,
     0.7,
     3,
     {"4.288580", "1.138448", "0.8681866", "2.357065", "0.6801713", "2.127351"},
     {"16.87732", "2.209819", "1.163865", "9.151263", "0.9725347", "8.232406"}},
    {"relu",
     2,
     0,
     1.0,
     10,
     {"2.656250", "1.724039", "1.568914", "1.395000", "1.140605", "1.245000"},
     {"29.21875", "7.804824", "5.996745", "15.34500", "4.418602", "13.69500"}}};

signal::GramOptions options_of(const Kernels& k) {
  signal::GramOptions o;
  o.activation = signal::Activation::parse(k.activation);
  o.depth = k.depth;
  o.sigma_w2 = k.sigma_w2;
  o.sigma_b2 = k.sigma_b2;
  o.mu2 = 1 / k.keep;
  return o;
}

void add_kernel(const std::string& label, const std::vector<double>& ours,
                const char* const (&theirs)[kPairs], Result& result) {
  report::Series series{label, {}, {}, {}, report::Style::points};
  std::size_t pair = 0;
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t j = i; j < kRows; ++j, ++pair) {
      const double value = ours[i * kRows + j];
      result.rows.push_back(by_program(fmt::format("{}, rows {} and {}", label, i + 1, j + 1),
                                       {value}, theirs[pair], "Neural Tangents 0.6.5"));
      series.x.push_back(std::stod(theirs[pair]));
      series.y.push_back(value);
    }
  }
  result.figure.panels[0].series.push_back(series);
}

}  // namespace

Result neural_tangents(const Effort&) {
  Result result;
  result.figure = {
      "kernels with dropout", {{"entries of both kernels", {"Neural Tangents"}, {"scalemix"}}}, 1};
  for (const Kernels& k : kKernels) {
    std::vector<double> nngp(kRows * kRows), ntk(kRows * kRows);
    gram(options_of(k), {kInputs, kRows, kColumns}, {nngp.data(), ntk.data()});
    const std::string label = fmt::format("{}, keep {:g}, depth {}", k.activation, k.keep, k.depth);
    add_kernel(label + ": NNGP", nngp, k.nngp, result);
    add_kernel(label + ": NTK", ntk, k.ntk, result);
  }
  result.notes = {
      "three rows of four numbers; seven digits of Neural Tangents in float64; `scalemix gram` "
      "computes these kernels for files of any size"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
