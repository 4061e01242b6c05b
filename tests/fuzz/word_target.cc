// Words - laws, methods, architectures, priors - and configs.

#include "scalemix/law/any_law.h"
#include "scalemix/law/laws.h"
#include "scalemix/model/architecture.h"
#include "scalemix/model/initial_weights.h"
#include "scalemix/model/method.h"
#include "scalemix/run/config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/target.h"

namespace scalemix::fuzz {
namespace {

void read_words(std::string_view input) {
  const std::string word(input);
  if (word.find(".json") != word.npos || word.find(".safetensors") != word.npos) return;  // files
  answers([&] { law::AnyLaw::parse(word); });
  for (const char* network : {"mlp:3-2", "resmlp:3x1"}) {
    answers([&] {
      model::Spec spec = model::architecture(network, {{7}, Task::regression, 2});
      model::apply_method(spec, word);
    });
  }
  answers([&] {
    model::Spec spec = model::architecture("lenet5", {{1, 16, 16}, Task::classification, 3});
    model::apply_method(spec, word);
  });
  answers([&] { model::architecture(word, {{3}, Task::regression, 1}); });
  answers([&] { model::architecture(word, {{1, 32, 32}, Task::classification, 2}); });
}

std::vector<std::string> words() {
  std::vector<std::string> out{"mlp:300-100",
                               "mlp:30x60,tanh",
                               "resmlp:5x3",
                               "skipmlp:5x3",
                               "lenet5",
                               "vgg:0.01",
                               "resnet:2",
                               "linear",
                               "gsm:hyper=inv_gamma:a=3,b=3",
                               "prior:horseshoe,group=row",
                               "additive:normal:scale=0.1",
                               "bernoulli:p=linear:start=0",
                               "svdo:threshold=3,init=-10",
                               "vsd:depth=3",
                               "poisson:rate=1e300",
                               "mlp:1000000x1000000",
                               "resnet:1000000"};
  law::for_each_law([&]<class L>(std::type_identity<L>) { out.emplace_back(L::kName); });
  for (const model::MethodRow& row : model::methods()) {
    std::string word(row.name);
    for (const Parameter& p : row.parameters) {
      word += (&p == &row.parameters[0] ? ":" : ",") + std::string(p.name) + "=" +
              value_text(p, p.value);
    }
    out.push_back(word);
  }
  return out;
}

void read_config(std::string_view input) {
  static const Folder folder("config");
  const std::string file = folder.write("config.toml", input);
  answers([&] {
    run::TrainConfig config;
    run::read_toml(file, config);
    run::to_toml(config);
    run::validate(config);
  });
}

std::vector<std::string> configs() {
  return {run::to_toml({}),
          "data = \"moons\"\nlr = 1e-3\nepochs = 3\nmethod = [\"svdo\", \"bernoulli:p=0.5\"]\n",
          "lr = inf\nwarmup = nan\nseeds = 4294967296\n",
          "grid = [\"lr=0.1,0.2\", \"penalty=1,2\"]\nseeds = 1\n",
          "prune = \"magnitude:sparsity=0.9\"\nobjective = \"r_drop:alpha=1\"\ntrain_samples = 2\n",
          "a = " + std::string(300, '[') + std::string(300, ']'),
          "lr = {a = {b = 1}}\n"};
}

}  // namespace

const Target kWords{"words", read_words, words};
const Target kConfig{"config", read_config, configs};

}  // namespace scalemix::fuzz
