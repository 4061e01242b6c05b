// Each law has its page, the page has its sections, and the specs it shows are specs.

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include "scalemix/law/any_law.h"

namespace scalemix::law {
namespace {

std::string read(const std::string& name) {
  const std::string path = std::string(SCALEMIX_SOURCE_DIR) + "/docs/law/" + name;
  std::ifstream in(path);
  EXPECT_TRUE(in.is_open()) << path;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(LawDocs, EveryLawHasAPageWithEverySection) {
  for (const LawRow& row : laws()) {
    const std::string page = read(std::string(row.name) + ".md");
    for (const char* section : {"Summary", "Law", "Parameters", "Use", "Accuracy", "Source"}) {
      EXPECT_TRUE(contains(page, std::string("\n## ") + section + "\n")) << row.name << section;
    }
    for (const Parameter& p : row.parameters) {
      EXPECT_TRUE(contains(page, "| `" + std::string(p.name) + "` |")) << row.name << " " << p.name;
      EXPECT_TRUE(contains(page, std::string(p.meaning))) << row.name << " " << p.name;
    }
  }
}

TEST(LawDocs, ThePageShowsTheDefaults) {
  for (const LawRow& row : laws()) {
    const std::string spec = AnyLaw::parse(row.name).spec();
    EXPECT_TRUE(contains(read(std::string(row.name) + ".md"), "parse(\"" + spec + "\")")) << spec;
  }
}

TEST(LawDocs, TheIndexHasEveryLawAndItsSpecsParse) {
  const std::string index = read("README.md");
  for (const LawRow& row : laws()) {
    const std::string name(row.name);
    EXPECT_TRUE(contains(index, "| [" + name + "](" + name + ".md) |")) << name;
  }
  const std::regex spec("`([a-z_]+:[a-z_]+=[0-9][^`]*)`");
  int specs = 0;
  for (std::sregex_iterator it(index.begin(), index.end(), spec), end; it != end; ++it, ++specs) {
    EXPECT_NO_THROW(AnyLaw::parse((*it)[1].str())) << (*it)[1];
  }
  EXPECT_GE(specs, static_cast<int>(laws().size()));
}

TEST(LawDocs, TheSpecsSaidToHaveOneVarianceHaveIt) {
  for (const char* spec : {"bernoulli:p=0.2", "gaussian:alpha=0.25", "laplace:alpha=0.25",
                           "uniform:half_width=0.8660254", "gamma:shape=4", "poisson:rate=4",
                           "beta:a=1.5,b=1.5", "lognormal:sigma=0.4723807"}) {
    EXPECT_NEAR(AnyLaw::parse(spec).mu2(), 1.25, 1e-6) << spec;
    EXPECT_TRUE(contains(read("README.md"), spec)) << spec;
  }
}

}  // namespace
}  // namespace scalemix::law
