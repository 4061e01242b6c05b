#include "scalemix/torch/init/init.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/law/any_law.h"

namespace scalemix::inline v0::init {
namespace {

struct Fans {
  double in, out;
};

Fans fans(const model::Layer& layer) {
  const double window =
      layer.type == "conv2d" ? static_cast<double>(layer.kernel * layer.kernel) : 1;
  return {static_cast<double>(layer.in) * window, static_cast<double>(layer.out) * window};
}

double given_deviation(const std::string& word) {
  const std::string text = word.substr(word.find(':') + 1);
  double sd = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), sd);
  if (error != std::errc{} || end != text.data() + text.size() || !(sd > 0 && std::isfinite(sd))) {
    throw ConfigError(fmt::format("init normal:SD needs a positive number, got '{}'", text));
  }
  return sd;
}

double deviation(const model::Layer& layer, const std::string& word, bool last) {
  const auto [in, out] = fans(layer);
  if (word == "auto") return std::sqrt((last ? 1 : 2) / in);
  if (word == "he") return std::sqrt(2 / in);
  if (word == "xavier") return std::sqrt(2 / (in + out));
  if (word.rfind("normal:", 0) == 0) return given_deviation(word);
  throw ConfigError(fmt::format("init must be one of auto, he, xavier, normal:SD, got '{}'", word));
}

void fill_normal(torch::Tensor weight, double sd, std::uint32_t site,
                 const std::vector<std::uint64_t>& seeds) {
  const auto normal = law::AnyLaw::make("normal", std::vector<double>{sd});
  for (std::int64_t r = 0; r < weight.size(0); ++r) {
    torch::Tensor row = weight[r];
    kernel::draws(
        normal.raw(),
        {.seed = seeds[static_cast<std::size_t>(r)], .stream = stream_id(Purpose::init, site)},
        {.rows = 1, .columns = static_cast<std::size_t>(row.numel())}, row.data_ptr<float>());
  }
}

}  // namespace

void initialise(const model::Spec& spec, const std::string& word,
                const std::vector<std::uint64_t>& seeds, nn::Storage& storage) {
  const torch::NoGradGuard no_grad;
  std::string last;
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    if (layer.type == "linear" || layer.type == "conv2d") last = layer.name;
  });
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    const auto view = [&](const char* name) { return storage.view(layer.name + "." + name); };
    if (layer.type == "linear" || layer.type == "conv2d") {
      fill_normal(view("weight"), deviation(layer, word, layer.name == last), layer.site, seeds);
      if (!layer.posterior.empty()) view("log_sigma2").fill_(layer.init_log_sigma2);
    } else if (layer.type == "batch_norm") {
      view("weight").fill_(1);
      view("running_var").fill_(1);
    }
  });
}

}  // namespace scalemix::inline v0::init
