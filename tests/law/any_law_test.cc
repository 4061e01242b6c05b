#include "scalemix/law/any_law.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scalemix/base/error.h"
#include "tests/law/cases.h"

namespace scalemix::law {
namespace {

using testing::HasSubstr;

std::string config_error(const std::string& spec) {
  try {
    AnyLaw::parse(spec);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

TEST(LawSpec, ANameAloneTakesTheDefaults) {
  EXPECT_EQ(AnyLaw::parse("half_cauchy").spec(), "half_cauchy:scale=1");
  EXPECT_EQ(AnyLaw::parse("beta:b=2").spec(), "beta:a=1,b=2");
}

TEST(LawSpec, ParametersComeInAnyOrder) {
  EXPECT_EQ(AnyLaw::parse("beta:b=2,a=0.5").spec(), "beta:a=0.5,b=2");
}

TEST(LawSpec, CanonicalFormReadsBackToTheSameLaw) {
  for (const std::string& spec : test::extreme_specs()) {
    const AnyLaw law = AnyLaw::parse(spec), again = AnyLaw::parse(law.spec());
    EXPECT_EQ(law.spec(), again.spec());
    EXPECT_TRUE(std::ranges::equal(law.values(), again.values())) << spec;
  }
  EXPECT_EQ(AnyLaw::parse("gaussian:alpha=0.1").values()[0], 0.1);
}

TEST(LawSpec, AnUnknownNameSaysTheNearestAndWhatThereIs) {
  const std::string message = config_error("bernouli:p=0.5");
  EXPECT_THAT(message, HasSubstr("unknown law 'bernouli'"));
  EXPECT_THAT(message, HasSubstr("did you mean 'bernoulli'?"));
  for (const LawRow& row : laws()) EXPECT_THAT(message, HasSubstr(std::string(row.name)));
}

TEST(LawSpec, AnUnknownParameterSaysWhatThereIs) {
  const std::string message = config_error("beta:c=1");
  EXPECT_THAT(message, HasSubstr("beta: unknown parameter 'c'"));
  EXPECT_THAT(message, HasSubstr("(known: a, b)"));
}

TEST(LawSpec, AValueThatIsNoNumberIsShown) {
  for (const char* value : {"x", "", "0.5x", "0.5 ", " 0.5", "1e999"}) {
    EXPECT_EQ(config_error(std::string("bernoulli:p=") + value),
              std::string("bernoulli: p must be a number, got '") + value + "'");
  }
}

TEST(LawSpec, NanAndInfinityAreOutOfRange) {
  EXPECT_THROW(AnyLaw::parse("gaussian:alpha=nan"), std::domain_error);
  EXPECT_THROW(AnyLaw::parse("gaussian:alpha=inf"), std::domain_error);
}

TEST(LawSpec, AParameterGivenTwiceIsRefused) {
  EXPECT_EQ(config_error("bernoulli:p=0.5,p=0.5"), "bernoulli: p is given twice");
}

TEST(LawSpec, ABareValueAnEmptyListAndAStrayCommaAreRefused) {
  for (const char* list : {"0.5", "p=0.5,", ",p=0.5"}) {
    EXPECT_THAT(config_error(std::string("bernoulli:") + list),
                HasSubstr("bernoulli: expected key=value, got '"));
  }
  EXPECT_EQ(config_error("bernoulli:"), "bernoulli: expected something after ':', got ''");
}

TEST(LawSpec, TheEmptySpecIsAnUnknownLaw) {
  EXPECT_THAT(config_error(""), HasSubstr("unknown law ''"));
}

TEST(AnyLaw, CopiesShareTheirSamplers) {
  const AnyLaw law = AnyLaw::parse("gamma:shape=3"), copy = law;
  EXPECT_EQ(law.multiplier().table, copy.multiplier().table);
}

TEST(AnyLaw, LawsOfOneShapeShareOneTable) {
  const AnyLaw a = AnyLaw::parse("gaussian:alpha=0.1"), b = AnyLaw::parse("gaussian:alpha=2");
  const AnyLaw c = AnyLaw::parse("normal:scale=3"), d = AnyLaw::parse("laplace");
  EXPECT_EQ(a.multiplier().table, b.multiplier().table);
  EXPECT_EQ(a.multiplier().table, c.raw().table);
  EXPECT_NE(a.multiplier().table, d.multiplier().table);
}

TEST(AnyLaw, ATableOutlivesTheLawThatMadeIt) {
  Sampler sampler;
  float before = 0;
  AnyLaw second = AnyLaw::parse("rayleigh");
  {
    const AnyLaw first = AnyLaw::parse("gamma:shape=7");
    second = first;
    before = first.multiplier()(12345678);
  }
  sampler = second.multiplier();
  EXPECT_EQ(sampler(12345678), before);
}

}  // namespace
}  // namespace scalemix::law
