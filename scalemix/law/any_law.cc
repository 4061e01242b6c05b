#include "scalemix/law/any_law.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <mutex>
#include <utility>

#include "scalemix/base/error.h"
#include "scalemix/base/nearest.h"
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

/// "unknown WHAT 'name', did you mean 'nearest'? There are ..."
[[noreturn]] void fail_unknown(const std::string& what, std::string_view name,
                               const std::vector<std::string>& known) {
  std::string message = "unknown " + what + " '" + std::string(name) + "'";
  const std::string hint = did_you_mean(name, known);
  message += hint.empty() ? "." : hint;
  message += " There are:";
  for (const std::string& other : known) message.append(" ").append(other);
  throw ConfigError(message);
}

const LawRow& find_row(std::string_view name) {
  const auto found = std::ranges::find(laws(), name, &LawRow::name);
  if (found != laws().end()) return *found;
  std::vector<std::string> names;
  for (const LawRow& row : laws()) names.emplace_back(row.name);
  fail_unknown("law", name, names);
}

std::size_t find_parameter(const LawRow& row, std::string_view name) {
  const auto found = std::ranges::find(row.parameters, name, &Parameter::name);
  if (found != row.parameters.end()) return found - row.parameters.begin();
  std::vector<std::string> names;
  for (const Parameter& p : row.parameters) names.emplace_back(p.name);
  fail_unknown("parameter of law " + std::string(row.name), name, names);
}

double parse_number(const LawRow& row, std::string_view name, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw ConfigError(std::string(row.name) + ": " + std::string(name) +
                      " must be a number, got '" + std::string(text) + "'");
  }
  return value;
}

/// Cuts `text` at the first `mark`: what is before it; `text` keeps what is after.
std::string_view cut(std::string_view& text, char mark) {
  const std::size_t at = std::min(text.find(mark), text.size());
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return head;
}

/// Sets the value that "name=number" names.
void set_value(const LawRow& row, std::string_view assignment, std::vector<double>& values,
               std::vector<bool>& given) {
  const std::string text(assignment);
  if (assignment.find('=') == std::string_view::npos) {
    throw ConfigError(std::string(row.name) + ": expected parameter=number, got '" + text + "'");
  }
  const std::string_view name = cut(assignment, '=');
  const std::size_t i = find_parameter(row, name);
  if (given[i]) {
    throw ConfigError(std::string(row.name) + ": " + std::string(name) + " is given twice");
  }
  given[i] = true;
  values[i] = parse_number(row, name, assignment);
}

std::string shortest(double value) {
  std::array<char, 32> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return std::string(text.data(), end);
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
  std::string_view rest = spec;
  const bool has_values = spec.find(':') != std::string_view::npos;
  const LawRow& row = find_row(cut(rest, ':'));
  std::vector<double> values;
  for (const Parameter& p : row.parameters) values.push_back(p.value);
  std::vector<bool> given(values.size());
  if (has_values) {
    const auto count = std::ranges::count(rest, ',') + 1;
    for (auto i = count; i > 0; --i) set_value(row, cut(rest, ','), values, given);
  }
  return make(row.name, values);
}

std::string AnyLaw::spec() const {
  std::string text(row().name);
  for (std::size_t i = 0; i < values().size(); ++i) {
    text.append(i == 0 ? ":" : ",").append(row().parameters[i].name);
    text.append("=").append(shortest(values()[i]));
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
