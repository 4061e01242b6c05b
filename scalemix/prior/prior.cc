#include "scalemix/prior/prior.h"

#include <algorithm>
#include <boost/math/tools/roots.hpp>
#include <cmath>
#include <limits>
#include <mutex>
#include <type_traits>

#include "scalemix/base/check.h"
#include "scalemix/base/known.h"
#include "scalemix/base/number_text.h"
#include "scalemix/base/word.h"
#include "scalemix/prior/named.h"
#include "scalemix/prior/penalty_table.h"

#define SCALEMIX_PRIOR(Class, name)
#include "scalemix/prior/priors.inc"
#undef SCALEMIX_PRIOR

namespace scalemix::inline v0::prior {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::string_view kInduced = "induced";

template <class Visit>
void for_each_prior(Visit&& visit) {
#define SCALEMIX_PRIOR(Class, name) visit(std::type_identity<Class>{});
#include "scalemix/prior/priors.inc"
#undef SCALEMIX_PRIOR
}

#define SCALEMIX_PRIOR(Class, name) static_assert(NamedPrior<Class> && Class::kName == name);
#include "scalemix/prior/priors.inc"
#undef SCALEMIX_PRIOR

std::vector<PriorRow> make_rows() {
  std::vector<PriorRow> rows;
  for_each_prior([&]<class P>(std::type_identity<P>) {
    rows.push_back({P::kName, P::kSummary, P::kSource, P::kParameters});
  });
  rows.push_back({kInduced,
                  "what a noise law makes of a normal weight: induced:LAW,sigma0=1",
                  "Andrews & Mallows (1974), Scale mixtures of normal distributions, JRSS B 36",
                  {}});
  return rows;
}

template <class F>
double sum_of(std::size_t n, const float* w, const F& penalty) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += penalty(static_cast<double>(w[i]));
  return sum;
}

template <class F>
void add_to(std::size_t n, const float* w, float weight, float* dw, const F& slope) {
  for (std::size_t i = 0; i < n; ++i)
    dw[i] += static_cast<float>(weight * slope(static_cast<double>(w[i])));
}

/// A closed form: a prior of priors.inc.
struct Form {
  virtual ~Form() = default;
  virtual std::string word() const = 0;
  virtual bool cheap() const = 0;
  virtual double log_density(double v) const = 0;
  virtual double slope(double v) const = 0;
  virtual double penalty(std::size_t n, const float* w) const = 0;
  virtual void slope(std::size_t n, const float* w, float weight, float* dw) const = 0;
};

template <NamedPrior P>
struct Closed final : Form {
  explicit Closed(std::vector<double> v) : values(std::move(v)), prior(values) {}
  std::string word() const override { return write_word(P::kName, P::kParameters, values); }
  bool cheap() const override { return P::kCheap; }
  double log_density(double v) const override { return prior.log_density(v); }
  double slope(double v) const override { return prior.slope(v); }
  double penalty(std::size_t n, const float* w) const override {
    return sum_of(n, w, [this](double v) { return -prior.log_density(v); });
  }
  void slope(std::size_t n, const float* w, float weight, float* dw) const override {
    add_to(n, w, weight, dw, [this](double v) { return prior.slope(v); });
  }
  std::vector<double> values;
  P prior;
};

/// The closed form of what this recipe induces, or null.
std::unique_ptr<const Form> form_of(const law::AnyLaw& law, double sigma0) {
  std::unique_ptr<const Form> form;
  for_each_prior([&]<class P>(std::type_identity<P>) {
    if (form) return;
    if (Values values = P::of(law, sigma0))
      form = std::make_unique<const Closed<P>>(*std::move(values));
  });
  return form;
}

}  // namespace

const std::vector<PriorRow>& priors() {
  static const std::vector<PriorRow> rows = make_rows();
  return rows;
}

struct Prior::State {
  State(const law::AnyLaw& law, double sigma0)
      : law(law), sigma0(check_positive("prior", "sigma0", sigma0)), form(form_of(law, sigma0)) {}

  const Mixture& mixture() const {
    std::call_once(mixed, [this] { nodes.emplace(law, sigma0); });
    return *nodes;
  }
  PenaltyTable::Point at(double v) const {
    if (form) return {-form->log_density(v), form->slope(v)};
    const Bend bend = mixture().at(v);
    return {-bend.log_density, bend.slope};
  }
  const PenaltyTable& table() const {
    std::call_once(tabled, [this] {
      double least = kInfinity, most = 0;
      for (const double u : {0.25, 0.5, 0.75}) {
        const double size = std::abs(law.quantile(u)) * sigma0;
        if (size > 0) least = std::min(least, size);
        most = std::max(most, size);
      }
      cubics.emplace([this](double v) { return at(v); }, std::min(least, sigma0 * 1e3),
                     std::max(most, sigma0 * 1e-3));
    });
    return *cubics;
  }

  const law::AnyLaw law;
  const double sigma0;
  const std::unique_ptr<const Form> form;
  std::string word;
  mutable std::once_flag mixed, tabled;
  mutable std::optional<Mixture> nodes;
  mutable std::optional<PenaltyTable> cubics;
};

Prior Prior::induced(const law::AnyLaw& law, double sigma0) {
  auto state = std::make_shared<State>(law, sigma0);
  state->word = std::string(kInduced) + ":" + law.spec() + ",sigma0=" + shortest_number(sigma0);
  return Prior(std::move(state));
}

Prior Prior::of_multiplier(const law::AnyLaw& law, double sigma0) {
  return induced(law, law.normalised() ? sigma0 / std::abs(law.mean()) : sigma0);
}

Prior Prior::parse(std::string_view text) {
  const Word word = split_word(text);
  const PriorRow& row = find_row("prior", word.name, priors());
  if (row.name == kInduced) {
    if (word.rest.empty()) {
      throw ConfigError(
          "induced: expected the word of a law, as in induced:gamma:shape=2,sigma0=1");
    }
    const std::size_t cut = word.rest.rfind("sigma0=");
    if (cut == std::string_view::npos || cut == 0) return induced(law::AnyLaw::parse(word.rest));
    const Parameter sigma0{"sigma0", 1, 1e-30, 1e30, false, false, "standard deviation"};
    return induced(law::AnyLaw::parse(word.rest.substr(0, cut - 1)),
                   read_value(kInduced, sigma0, word.rest.substr(cut + 7)));
  }
  const std::vector<double> values = read_values(row.name, row.parameters, word.rest).values;
  std::shared_ptr<State> state;
  for_each_prior([&]<class P>(std::type_identity<P>) {
    if (P::kName != row.name) return;
    const Recipe recipe = P(values).recipe();
    state = std::make_shared<State>(recipe.law, recipe.sigma0);
  });
  state->word = write_word(row.name, row.parameters, values);
  return Prior(std::move(state));
}

std::string Prior::word() const { return state_->word; }
std::string Prior::name() const { return state_->form ? state_->form->word() : ""; }
const law::AnyLaw& Prior::law() const { return state_->law; }
double Prior::sigma0() const { return state_->sigma0; }
const Mixture& Prior::mixture() const { return state_->mixture(); }

double Prior::density(double v) const { return std::exp(log_density(v)); }
double Prior::log_density(double v) const {
  return v == 0 && peak_is_infinite() ? kInfinity : -state_->at(v).penalty;
}
double Prior::slope(double v) const { return v == 0 ? 0 : state_->at(v).slope; }

bool Prior::peak_is_infinite() const {
  // p(0) = E 1 / |z| up to a factor: infinite unless the density of |z| goes to 0 as a power.
  if (single_values(law())) return false;
  const double near = folded(law(), 1e-14), far = folded(law(), 1e-12);
  return near > 0 && std::log(far / near) < 1e-4;
}

double Prior::atom() const { return single_values(law()) ? law().pdf(0) : 0; }
double Prior::within(double radius) const { return mixture().within(radius); }
double Prior::cdf(double v) const { return v < 0 ? mixture().beyond(-v) : 1 - mixture().beyond(v); }

double Prior::variance() const {
  const double mean = law().normalised() ? law().mean() : 1;
  return law().mu2() * mean * mean * sigma0() * sigma0();
}
double Prior::kurtosis() const {
  return std::isinf(law().mu4()) ? kInfinity : 3 * law().mu4() / law().mu2() / law().mu2();
}
double Prior::median_size() const {
  const auto excess = [this](double radius) { return within(radius) - (1 + atom()) / 2; };
  double hi = sigma0();
  while (excess(hi) < 0 && hi < 1e300) hi *= 2;
  double lo = hi / 2;
  while (excess(lo) > 0) lo /= 2;
  const auto close = boost::math::tools::eps_tolerance<double>(24);
  return boost::math::tools::bisect(excess, lo, hi, close).first;
}

double Prior::penalty(std::size_t n, const float* w) const {
  if (state_->form && state_->form->cheap()) return state_->form->penalty(n, w);
  const PenaltyTable& table = state_->table();
  return sum_of(n, w, [&](double v) { return table.penalty(v); });
}

void Prior::slope(std::size_t n, const float* w, float weight, float* dw) const {
  if (state_->form && state_->form->cheap()) return state_->form->slope(n, w, weight, dw);
  const PenaltyTable& table = state_->table();
  add_to(n, w, weight, dw, [&](double v) { return table.slope(v); });
}

}  // namespace scalemix::inline v0::prior
