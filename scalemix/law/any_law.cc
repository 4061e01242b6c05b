#include "scalemix/law/any_law.h"

#include <cmath>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "scalemix/base/check.h"
#include "scalemix/base/known.h"
#include "scalemix/base/word.h"
#include "scalemix/law/compile.h"
#include "scalemix/law/laws.h"
#include "scalemix/law/pathwise.h"

namespace scalemix::inline v0::law {

constexpr double kSafe = 1e-290;  // densities from here on are good to rounding

struct AnyLaw::State {
  State(const LawRow& row, std::span<const double> values)
      : row(row), values(values.begin(), values.end()) {}
  virtual ~State() = default;
  virtual double mean() const = 0;
  virtual double mu2() const = 0;
  virtual double mu3() const = 0;
  virtual double mu4() const = 0;
  virtual double pdf(double z) const = 0;
  virtual double log_pdf(double z) const = 0;
  virtual double cdf(double z) const = 0;
  virtual double quantile(double u) const = 0;
  virtual Compiled compile() const = 0;
  virtual bool moved(std::span<const double> values, Sampler& multiplier, Sampler& raw) const = 0;
  virtual bool pathwise() const = 0;
  virtual double quantile_slope(std::size_t i, double u) const = 0;
  virtual double multiplier_slope(std::size_t i, double u) const = 0;
  virtual CompiledSlope compile_slope(std::size_t i, bool of_multiplier) const = 0;
  virtual LinkedLaw linked() const = 0;

  const Compiled& compiled() const {
    std::call_once(once, [this] { samplers = compile(); });
    return samplers;
  }
  const Sampler& slopes(std::size_t i, bool of_multiplier) const {
    const std::lock_guard lock(slope_mutex);
    std::optional<CompiledSlope>& slope = compiled_slopes[{i, of_multiplier}];
    if (!slope) slope = compile_slope(i, of_multiplier);
    return slope->sampler;
  }

  const LawRow& row;
  const std::vector<double> values;
  mutable std::once_flag once;  // a table is made when somebody first draws
  mutable Compiled samplers;
  mutable std::mutex slope_mutex;
  mutable std::map<std::pair<std::size_t, bool>, std::optional<CompiledSlope>> compiled_slopes;
};

namespace {

constexpr const char* kNotLearned =
    "the draw is not an explicit function of the parameters, so they cannot be learned";

template <NoiseLaw L, class Base>
struct Typed final : Base {
  Typed(const LawRow& row, std::span<const double> values) : Base(row, values), law(values) {}
  double mean() const override { return law.mean(); }
  double mu2() const override { return law.mu2(); }
  double mu3() const override { return law.mu3(); }
  double mu4() const override { return law.mu4(); }
  double pdf(double z) const override { return law.pdf(z); }
  double log_pdf(double z) const override {
    // The formula for the log subtracts large numbers where the law's parameters are large.
    const double density = law.pdf(z);
    return density > kSafe ? std::log(density) : law.log_pdf(z);
  }
  double cdf(double z) const override { return law.cdf(z); }
  double quantile(double u) const override { return law.quantile(u); }
  Compiled compile() const override { return law::compile(law, this->values); }
  bool moved(std::span<const double> values, Sampler& multiplier, Sampler& raw) const override {
    return move<L>(this->compiled(), values, multiplier, raw);
  }
  bool pathwise() const override { return Pathwise<L>; }
  double quantile_slope(std::size_t i, double u) const override {
    return learned(i, [&](const auto& mine) { return mine.quantile_slope(i, u); });
  }
  double multiplier_slope(std::size_t i, double u) const override {
    return learned(i, [&](const auto& mine) { return law::multiplier_slope(mine, i, u); });
  }
  CompiledSlope compile_slope(std::size_t i, bool of_multiplier) const override {
    return learned(i, [&](const auto& mine) {
      return law::compile_slope(mine, this->values, i, of_multiplier);
    });
  }
  LinkedLaw linked() const override {
    return learned(0, []<class M>(const M&) { return linked_law<M>(); });
  }
  template <class Use>
  std::invoke_result_t<Use, const Gaussian&> learned(std::size_t i, const Use& use) const {
    check(i < L::kParameters.size(), L::kName, "has no such parameter");
    if constexpr (Pathwise<L>) {
      return use(law);
    } else {
      throw std::invalid_argument(std::string(L::kName) + ": " + kNotLearned);
    }
  }
  L law;
};

std::vector<LawRow> make_rows() {
  std::vector<LawRow> rows;
  for_each_law([&]<class L>(std::type_identity<L>) {
    rows.push_back({L::kName, L::kSummary, L::kSource, L::kParameters, kIsDiscrete<L>});
  });
  return rows;
}

}  // namespace

const std::vector<LawRow>& laws() {
  static const std::vector<LawRow> rows = make_rows();
  return rows;
}

AnyLaw::AnyLaw(std::shared_ptr<const State> state) : state_(std::move(state)) {}

AnyLaw AnyLaw::make(std::string_view name, std::span<const double> values) {
  const LawRow& row = find_row("law", name, laws());
  std::shared_ptr<const State> state;
  for_each_law([&]<class L>(std::type_identity<L>) {
    if (L::kName == row.name) state = std::make_shared<const Typed<L, State>>(row, values);
  });
  return AnyLaw(std::move(state));
}

AnyLaw AnyLaw::parse(std::string_view spec) {
  const Word word = split_word(spec);
  const LawRow& row = find_row("law", word.name, laws());
  return make(row.name, read_values(row.name, row.parameters, word.rest).values);
}

std::string AnyLaw::spec() const { return write_word(row().name, row().parameters, values()); }

const LawRow& AnyLaw::row() const { return state_->row; }
std::span<const double> AnyLaw::values() const { return state_->values; }
double AnyLaw::mean() const { return state_->mean(); }
double AnyLaw::mu2() const { return state_->mu2(); }
double AnyLaw::mu3() const { return state_->mu3(); }
double AnyLaw::mu4() const { return state_->mu4(); }
double AnyLaw::pdf(double z) const { return state_->pdf(z); }
double AnyLaw::log_pdf(double z) const { return state_->log_pdf(z); }
double AnyLaw::cdf(double z) const { return state_->cdf(z); }
double AnyLaw::quantile(double u) const { return state_->quantile(u); }
bool AnyLaw::normalised() const { return law::normalised(mean()); }
double AnyLaw::centre() const { return normalised() ? 1 : quantile(0.5); }
const Sampler& AnyLaw::multiplier() const { return state_->compiled().multiplier; }
const Sampler& AnyLaw::raw() const { return state_->compiled().raw; }
bool AnyLaw::moved(std::span<const double> values, Sampler& multiplier, Sampler& raw) const {
  return state_->moved(values, multiplier, raw);
}
bool AnyLaw::pathwise() const { return state_->pathwise(); }
double AnyLaw::quantile_slope(std::size_t i, double u) const {
  return state_->quantile_slope(i, u);
}
double AnyLaw::multiplier_slope(std::size_t i, double u) const {
  return state_->multiplier_slope(i, u);
}
const Sampler& AnyLaw::raw_slopes(std::size_t i) const { return state_->slopes(i, false); }
const Sampler& AnyLaw::multiplier_slopes(std::size_t i) const { return state_->slopes(i, true); }
LinkedLaw AnyLaw::linked() const { return state_->linked(); }

}  // namespace scalemix::inline v0::law
