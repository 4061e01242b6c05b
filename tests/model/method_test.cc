#include "scalemix/model/method.h"

#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "tests/model/fixtures.h"

namespace scalemix::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Layer> noises(const Spec& spec) {
  std::vector<Layer> out;
  for_each_layer(spec, [&](const Layer& layer, const Shape&) {
    if (layer.type == "noise") out.push_back(layer);
  });
  return out;
}

TEST(Method, UnitNoiseStandsBeforeEveryWeightLayerButTheFirst) {
  const Spec spec = made("mlp:6-5", table_problem(), {"bernoulli:p=0.5"});
  EXPECT_THAT(types(spec.layers),
              ElementsAre("linear", "relu", "noise", "linear", "relu", "noise", "linear"));
  EXPECT_EQ(spec.layers[2].width, 6u);
  EXPECT_EQ(spec.layers[5].width, 5u);
  EXPECT_EQ(spec.layers[2].noise.at(0).law, "bernoulli:p=0.5");
  EXPECT_THAT(spec.methods, ElementsAre("bernoulli:p=0.5"));
}

TEST(Method, UnitNoiseOnImagesHasAColumnForEveryUnit) {
  const std::vector<Layer> found = noises(made("lenet5", image_problem(), {"gaussian:alpha=0.25"}));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].width, 20u * 6 * 6);
  EXPECT_EQ(found[1].width, 50u);
  EXPECT_EQ(found[2].width, 500u);
}

TEST(Method, InputPutsTheLawOnTheInputWithItsOwnFirstParameter) {
  const Spec spec = made("mlp:6", table_problem(), {"bernoulli:p=0.5,input=0.2"});
  EXPECT_EQ(spec.layers[0].noise.at(0).law, "bernoulli:p=0.2");
  EXPECT_EQ(spec.layers[0].width, 7u);
  EXPECT_THAT(spec.methods, ElementsAre("bernoulli:p=0.5,input=0.2"));
  EXPECT_EQ(made("linear", table_problem(), {"bernoulli:input=0.2"}).layers.size(), 2u);
  EXPECT_THAT(made("mlp:6", table_problem(), {"bernoulli,input=0.2"}).methods,
              ElementsAre("bernoulli:p=0.5,input=0.2"));
}

TEST(Method, AdditiveTakesTheSamePlaces) {
  const Spec spec = made("mlp:6-5", table_problem(), {"additive:normal:scale=0.1,input=0.3"});
  const std::vector<Layer> found = noises(spec);
  ASSERT_EQ(found.size(), 3u);
  for (const Layer& layer : found) EXPECT_EQ(layer.noise.at(0).kind, "add");
  EXPECT_THAT(spec.methods, ElementsAre("additive:normal:scale=0.1,input=0.3"));
}

TEST(Method, LearnedLawsAndTabuTakeTheSamePlaces) {
  const Spec law = made("mlp:6-5", table_problem(), {"learned:laplace:alpha=0.3,input=0.1"});
  EXPECT_THAT(law.methods, ElementsAre("learned:laplace:alpha=0.3,input=0.1"));
  ASSERT_EQ(noises(law).size(), 3u);
  EXPECT_EQ(noises(law)[0].noise.at(0).law, "laplace:alpha=0.1");
  EXPECT_EQ(noises(law)[1].noise.at(0).law, "laplace:alpha=0.3");
  for (const Layer& layer : noises(law)) {
    EXPECT_EQ(layer.noise.at(0).kind, "learned");
    ASSERT_EQ(tensors(layer).size(), 1u);
    EXPECT_EQ(tensors(layer)[0].name, "alpha");
    EXPECT_FALSE(tensors(layer)[0].decays);
  }
  EXPECT_THAT(made("mlp:6", table_problem(), {"learned"}).methods,
              ElementsAre("learned:gaussian:alpha=0.25"));

  const Spec tabu = made("mlp:6-5", table_problem(), {"tabu:p=0.3,input=0.1"});
  EXPECT_THAT(tabu.methods,
              ElementsAre("tabu:p=0.3,marks=row,scale=exact,marked=dropped,tenure=0,input=0.1"));
  ASSERT_EQ(noises(tabu).size(), 3u);
  EXPECT_EQ(noises(tabu)[0].noise.at(0).values.at(0), 0.1);
  EXPECT_EQ(noises(tabu)[2].noise.at(0).values.at(0), 0.3);
}

TEST(Method, ALawThatIsNoExplicitFunctionOfItsDrawIsNotLearned) {
  for (const char* law : {"bernoulli", "beta", "gamma", "poisson"}) {
    Spec spec = architecture("mlp:6-5", table_problem());
    EXPECT_THAT(message_of<std::invalid_argument>(
                    [&] { apply_method(spec, std::string("learned:") + law); }),
                HasSubstr("cannot be learned"))
        << law;
  }
}

TEST(Method, SpatialNoiseStandsAfterEachConvolution) {
  const Spec spec = made("lenet5", image_problem(), {"spatial:p=0.1"});
  EXPECT_THAT(types(spec.layers),
              ElementsAre("conv2d", "relu", "max_pool", "noise", "conv2d", "relu", "max_pool",
                          "noise", "flatten", "linear", "relu", "linear"));
  EXPECT_EQ(spec.layers[3].width, 20u);
  EXPECT_EQ(spec.layers[7].width, 50u);
  EXPECT_EQ(spec.layers[7].at, Site::channel);
  EXPECT_EQ(
      made("lenet5", image_problem(), {"spatial:gaussian:alpha=0.5"}).layers[3].noise.at(0).law,
      "gaussian:alpha=0.5");
  EXPECT_EQ(made("lenet5", image_problem(), {"spatial"}).layers[3].noise.at(0).law,
            "bernoulli:p=0.5");
}

TEST(Method, DropconnectPutsALawOnEveryWeight) {
  const Spec spec = made("resnet:1", image_problem(), {"dropconnect:p=0.3"});
  for_each_layer(spec, [](const Layer& layer, const Shape&) {
    ASSERT_EQ(layer.noise.size(), has_weights(layer)) << layer.name;
    if (!has_weights(layer)) return;
    EXPECT_EQ(layer.noise[0].kind, "dropconnect");
    EXPECT_EQ(layer.noise[0].law, "bernoulli:p=0.3");
  });
  EXPECT_THAT(spec.methods, ElementsAre("dropconnect:bernoulli:p=0.3"));
}

TEST(Method, StochasticDepthRatesRiseLinearlyToP) {
  const Spec spec = made("resmlp:6x4", table_problem(), {"stochastic_depth:p=0.5"});
  const std::vector<Layer> found = noises(spec);
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].noise.at(0).law, "bernoulli:p=0.125");
  EXPECT_EQ(found[1].noise.at(0).law, "bernoulli:p=0.25");
  EXPECT_EQ(found[2].noise.at(0).law, "bernoulli:p=0.375");
  EXPECT_EQ(found[3].noise.at(0).law, "bernoulli:p=0.5");
  for (const Layer& layer : found) {
    EXPECT_EQ(layer.at, Site::layer);
    EXPECT_EQ(layer.width, 1u);
  }
  EXPECT_EQ(spec.layers[1].branch.back().type, "noise");
}

TEST(Method, SvdoMarksEveryWeightLayer) {
  const Spec spec = made("lenet5", image_problem(), {"svdo:threshold=2.5"});
  for_each_layer(spec, [](const Layer& layer, const Shape&) {
    ASSERT_EQ(layer.noise.size(), has_weights(layer)) << layer.name;
    if (!has_weights(layer)) return;
    EXPECT_EQ(layer.noise[0].kind, "svdo");
    EXPECT_EQ(setting(layer.noise[0], "threshold"), 2.5);
  });
  EXPECT_THAT(spec.methods, ElementsAre("svdo:threshold=2.5,init=-10,kl=molchanov,clip=off"));
}

TEST(Method, NoneLeavesTheNetworkAsItIs) {
  const Spec plain = architecture("mlp:6-5", table_problem());
  Spec spec = plain;
  apply_method(spec, "none");
  EXPECT_EQ(to_json(spec), to_json(plain));
}

TEST(Method, SitesAndNamesOfWhatWasThereAreKept) {
  for (const Case& form : short_forms()) {
    const Spec plain = architecture(form.word, form.problem);
    std::map<std::string, std::uint32_t> sites;
    for_each_layer(plain,
                   [&](const Layer& layer, const Shape&) { sites[layer.name] = layer.site; });
    Spec noisy = plain;
    apply_method(noisy, "bernoulli:p=0.5,input=0.1");
    apply_method(noisy, "svdo");
    for_each_layer(noisy, [&](const Layer& layer, const Shape&) {
      const auto found = sites.find(layer.name);
      if (found != sites.end()) {
        EXPECT_EQ(found->second, layer.site) << form.word << " " << layer.name;
        sites.erase(found);
      } else {
        EXPECT_EQ(layer.type, "noise");
      }
    });
    EXPECT_TRUE(sites.empty()) << form.word;
  }
}

TEST(Method, CanonicalWordsMakeTheSameNetworkAgain) {
  const std::vector<std::string> words{"gaussian:alpha=0.3,input=0.1",
                                       "additive:laplace",
                                       "spatial:uniform",
                                       "dropconnect",
                                       "half_cauchy",
                                       "learned:lognormal,input=0.1",
                                       "tabu:input=0.3"};
  const Spec once = made("lenet5", image_problem(), words);
  const Spec twice = made("lenet5", image_problem(), once.methods);
  EXPECT_EQ(to_json(once), to_json(twice));
}

TEST(Method, MethodsMayFollowEachOther) {
  const Spec spec =
      made("resmlp:6x2", table_problem(),
           {"stochastic_depth:p=0.2", "bernoulli:p=0.1", "gaussian:alpha=0.1", "svdo"});
  EXPECT_EQ(spec.methods.size(), 4u);
  EXPECT_EQ(noises(spec).size(), 2u + 5 + 5);
}

TEST(Method, BadWordsSayWhatExists) {
  const auto refusal = [](const std::string& word) {
    Spec spec = architecture("mlp:6-5", table_problem());
    return message_of<ConfigError>([&] { apply_method(spec, word); });
  };
  EXPECT_THAT(refusal("bernouli"),
              HasSubstr("unknown method 'bernouli', did you mean 'bernoulli'?"));
  EXPECT_THAT(refusal("svdo:treshold=3"),
              HasSubstr("svdo: unknown parameter 'treshold', did you mean 'threshold'? (known: "
                        "threshold, init, kl, clip)"));
  EXPECT_THAT(refusal("svdo:3"), HasSubstr("svdo: expected key=value, got '3'"));
  EXPECT_THAT(refusal("svdo:threshold=high"), HasSubstr("threshold must be a number, got 'high'"));
  EXPECT_THAT(refusal("normal:scale=0.1"), HasSubstr("additive:normal:scale=0.1"));
  EXPECT_THAT(refusal("dropconnect:normal:scale=2"), HasSubstr("additive:normal:scale=2"));
  EXPECT_THAT(refusal("additive"), HasSubstr("expected a law"));
  EXPECT_THAT(refusal("none:p=1"), HasSubstr("takes no argument"));
  EXPECT_THAT(refusal("bernoulli:q=0.5"),
              HasSubstr("bernoulli: unknown parameter 'q', did you mean 'p'? (known: p, input)"));
  EXPECT_THAT(refusal("dropconnect:input=0.5"),
              HasSubstr("bernoulli: unknown parameter 'input' (known: p)"));
  EXPECT_THAT(refusal("additive:nromal"),
              HasSubstr("unknown law 'nromal', did you mean 'normal'?"));
  EXPECT_THAT(refusal("bernoulli:input=x"), HasSubstr("input must be a number"));
}

TEST(Method, AParameterGivenTwiceIsRefused) {
  for (const char* word : {"svdo:init=-8,threshold=3,init=-8", "bernoulli:p=0.5,p=0.5",
                           "bernoulli:input=0.1,input=0.1", "additive:laplace,input=0.1,input=0.2",
                           "dropconnect:p=0.1,p=0.1"}) {
    Spec spec = architecture("mlp:6-5", table_problem());
    EXPECT_THAT(message_of<ConfigError>([&] { apply_method(spec, word); }),
                HasSubstr("is given twice"))
        << word;
  }
}

TEST(Method, ValuesOutOfRangeAreDomainErrors) {
  for (const char* word :
       {"bernoulli:p=1", "bernoulli:p=0.5,input=1", "gaussian:alpha=-1", "tabu:p=1",
        "learned:gaussian:alpha=-1", "svdo:threshold=9", "svdo:init=nan", "dropconnect:p=-0.1"}) {
    Spec spec = architecture("mlp:6-5", table_problem());
    EXPECT_THROW(apply_method(spec, word), std::domain_error) << word;
  }
  Spec deep = architecture("resmlp:6x2", table_problem());
  EXPECT_THROW(apply_method(deep, "stochastic_depth:p=1"), std::domain_error);
  EXPECT_THROW(apply_method(deep, "stochastic_depth:p=1.5"), std::domain_error);
}

TEST(Method, ArchitecturesWithoutThePlaceAreRefused) {
  const auto refusal = [](const std::string& form, const std::string& word) {
    Spec spec = architecture(form, table_problem());
    return message_of<std::invalid_argument>([&] { apply_method(spec, word); });
  };
  EXPECT_THAT(refusal("mlp:6", "stochastic_depth"), HasSubstr("no residual block"));
  EXPECT_THAT(refusal("mlp:6", "spatial"), HasSubstr("no convolution"));
  EXPECT_THAT(refusal("linear", "bernoulli"), HasSubstr("no place for noise"));
}

TEST(Method, SvdoAndDropconnectExcludeEachOtherInEitherOrder) {
  for (const auto& [first, second] : std::vector<std::pair<std::string, std::string>>{
           {"svdo", "dropconnect"}, {"dropconnect", "svdo"}, {"svdo", "svdo"}}) {
    Spec spec = made("mlp:6", table_problem(), {first});
    const nlohmann::json before = to_json(spec);
    EXPECT_THAT(
        message_of<std::invalid_argument>([&, &word = second] { apply_method(spec, word); }),
        HasSubstr("already, and a layer draws one kind of noise"));
    EXPECT_EQ(to_json(spec), before) << "a refused method must leave the spec as it was";
  }
}

TEST(Method, InputAloneHasNoDefault) {
  for (const MethodRow& row : methods()) {
    for (const scalemix::Parameter& p : row.parameters) {
      EXPECT_EQ(p.optional, p.name == "input") << row.name << " " << p.name;
    }
  }
}

TEST(Method, EveryLawButNormalHasARow) {
  std::map<std::string_view, std::size_t> rows;
  for (const MethodRow& row : methods()) ++rows[row.name];
  for (const law::LawRow& row : law::laws()) {
    EXPECT_EQ(rows[row.name], row.name == "normal" ? 0u : 1u) << row.name;
  }
}

}  // namespace
}  // namespace scalemix::model
