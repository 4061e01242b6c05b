// Ghiasi, Lin & Le (2018), DropBlock: gamma is set so that about p of an image are dropped, but blocks overlap
// and fewer are. Realised shares of block 7, against the exact ones for independent seeds.

#include <fmt/format.h>

#include <algorithm>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

struct Case {
  std::size_t side;
  double p, derived;
};
constexpr Case kCases[] = {
    {7, 0.1, 0.1}, {14, 0.1, 0.0929}, {32, 0.1, 0.0941}, {32, 0.3, 0.2513}, {32, 0.5, 0.3750}};

/// Share dropped in each draw of 64 rows of 8 channels.
Mean realised(const Case& c, bool exact, std::size_t draws, std::uint64_t seed) {
  model::Layer layer{.type = "noise", .site = 1, .width = 8 * c.side * c.side};
  model::Noise noise = model::noise_of("dropblock");
  noise.values = {c.p, 7, 0, exact ? 1.0 : 0.0};
  const model::NoiseUse use = model::noise_use(noise, layer, {8, c.side, c.side}, true);
  constexpr std::size_t kRows = 64;
  std::vector<float> x(kRows * layer.width, 1.0f), y(x.size()),
      kept(use.kind->kept(use, kRows, true));
  std::vector<double> shares;
  for (std::size_t d = 0; d < draws; ++d) {
    model::At at{.use = use,
                 .train = true,
                 .stream = {seed, 1, static_cast<std::uint32_t>(d)},
                 .rows = kRows};
    at.kept = kept.data();
    use.kind->forward(at, x.data(), y.data());
    shares.push_back(static_cast<double>(std::count(y.begin(), y.end(), 0.0f)) /
                     static_cast<double>(y.size()));
  }
  return mean_of(shares);
}

}  // namespace

Result dropblock_fraction(const Effort& effort) {
  const std::size_t draws = effort.pick<std::size_t>(4, 40, 400);
  Result result;
  report::Panel panel{"block 7", {"share asked for"}, {"share dropped"}};
  report::Series released{"as released", {}, {}, {}, report::Style::points}, corrected = released;
  corrected.label = "rate=exact";
  std::uint64_t k = 0;
  for (const Case& c : kCases) {
    const Mean plain = realised(c, false, draws, effort.seed_of(++k)),
               exact = realised(c, true, draws, effort.seed_of(++k));
    Row row{fmt::format("side {}, p = {}: share dropped", c.side, c.p),
            plain.value,
            plain.error,
            c.derived,
            5e-5,
            "derived, to four digits",
            Against::own};
    result.rows.push_back(row);
    result.rows.push_back({fmt::format("side {}, p = {}, rate=exact: share dropped", c.side, c.p),
                           exact.value, exact.error, c.p, 0, "what was asked for", Against::own});
    released.x.push_back(c.p), released.y.push_back(plain.value);
    corrected.x.push_back(c.p), corrected.y.push_back(exact.value);
  }
  panel.series = {
      {"asked for", {0, 0.5}, {0, 0.5}, {}, report::Style::dashed}, released, corrected};
  result.figure = {"overlapping blocks", {panel}};
  result.notes = {fmt::format("{} draws of 64 images of 8 channels", draws)};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
