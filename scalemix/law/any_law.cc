#include "scalemix/law/any_law.h"

#include <mutex>
#include <utility>

#include "scalemix/base/spec_text.h"
#include "scalemix/law/compile.h"
#include "scalemix/law/laws.h"

namespace scalemix::inline v0::law {

struct AnyLaw::State {
  State(const LawRow& row, std::span<const double> values)
      : row(row), values(values.begin(), values.end()) {}
  virtual ~State() = default;
  virtual double mean() const = 0;
  virtual double mu2() const = 0;
  virtual double mu4() const = 0;
  virtual double pdf(double z) const = 0;
  virtual double cdf(double z) const = 0;
  virtual double quantile(double u) const = 0;
  virtual Compiled compile() const = 0;

  const Compiled& compiled() const {
    std::call_once(once, [this] { samplers = compile(); });
    return samplers;
  }

  const LawRow& row;
  const std::vector<double> values;
  mutable std::once_flag once;  // a table is made when somebody first draws
  mutable Compiled samplers;
};

namespace {

template <NoiseLaw L, class Base>
struct Typed final : Base {
  Typed(const LawRow& row, std::span<const double> values) : Base(row, values), law(values) {}
  double mean() const override { return law.mean(); }
  double mu2() const override { return law.mu2(); }
  double mu4() const override { return law.mu4(); }
  double pdf(double z) const override { return law.pdf(z); }
  double cdf(double z) const override { return law.cdf(z); }
  double quantile(double u) const override { return law.quantile(u); }
  Compiled compile() const override { return law::compile(law, this->values); }
  L law;
};

std::vector<LawRow> make_rows() {
  std::vector<LawRow> rows;
  for_each_law([&]<class L>(std::type_identity<L>) {
    rows.push_back({L::kName, L::kSummary, L::kSource, L::kParameters});
  });
  return rows;
}

const LawRow& find_row(std::string_view name) {
  std::vector<std::string> names;
  for (const LawRow& row : laws()) names.emplace_back(row.name);
  return laws()[find_known("law", name, names)];
}

}  // namespace

const std::vector<LawRow>& laws() {
  static const std::vector<LawRow> rows = make_rows();
  return rows;
}

AnyLaw::AnyLaw(std::shared_ptr<const State> state) : state_(std::move(state)) {}

AnyLaw AnyLaw::make(std::string_view name, std::span<const double> values) {
  const LawRow& row = find_row(name);
  std::shared_ptr<const State> state;
  for_each_law([&]<class L>(std::type_identity<L>) {
    if (L::kName == row.name) state = std::make_shared<const Typed<L, State>>(row, values);
  });
  return AnyLaw(std::move(state));
}

AnyLaw AnyLaw::parse(std::string_view spec) {
  const SpecText text = split_spec_text(spec);
  const LawRow& row = find_row(text.name);
  std::vector<std::string> keys;
  std::vector<double> values;
  for (const Parameter& p : row.parameters) {
    keys.emplace_back(p.name);
    values.push_back(p.value);
  }
  set_values("law", text, keys, values);
  return make(row.name, values);
}

std::string AnyLaw::spec() const {
  std::string text(row().name);
  for (std::size_t i = 0; i < values().size(); ++i) {
    text.append(i == 0 ? ":" : ",").append(row().parameters[i].name);
    text.append("=").append(shortest_number(values()[i]));
  }
  return text;
}

const LawRow& AnyLaw::row() const { return state_->row; }
std::span<const double> AnyLaw::values() const { return state_->values; }
double AnyLaw::mean() const { return state_->mean(); }
double AnyLaw::mu2() const { return state_->mu2(); }
double AnyLaw::mu4() const { return state_->mu4(); }
double AnyLaw::pdf(double z) const { return state_->pdf(z); }
double AnyLaw::cdf(double z) const { return state_->cdf(z); }
double AnyLaw::quantile(double u) const { return state_->quantile(u); }
bool AnyLaw::normalised() const { return law::normalised(mean()); }
double AnyLaw::centre() const { return normalised() ? 1 : quantile(0.5); }
const Sampler& AnyLaw::multiplier() const { return state_->compiled().multiplier; }
const Sampler& AnyLaw::raw() const { return state_->compiled().raw; }

}  // namespace scalemix::inline v0::law
