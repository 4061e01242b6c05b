// Inputs and blocks that training switched off, by name.

#include "scalemix/study/switched_off.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/model/fixtures.h"

namespace scalemix::study {
namespace {

using model::Model;
using model::Tensor;

/// skipmlp:6x2 on seven inputs, the second and the fourth of which, and the first block, are off.
Model ard() {
  Model m =
      model::filled_model(model::made("skipmlp:6x2", model::table_problem(), {"add:off=0.05"}));
  m.preprocessing.features = {"a", "b", "c", "d", "e", "f", "g"};
  std::vector<float> w(42, 0.5f), log_sigma2(42, -4);
  for (const std::size_t i : {1, 3}) {
    for (std::size_t o = 0; o < 6; ++o) w[o * 7 + i] = 1e-3f, log_sigma2[o * 7 + i] = -18;
  }
  m.tensors["linear1.weight"] = Tensor::of({6, 7}, w);
  m.tensors["linear1.log_sigma2"] = Tensor::of({6, 7}, log_sigma2);
  m.tensors["linear2.weight"] = Tensor::of({6, 6}, std::vector<float>(36, 1e-3f));
  m.tensors["linear2.log_sigma2"] = Tensor::of({6, 6}, std::vector<float>(36, -15));
  return m;
}

TEST(SwitchedOff, NamesInputsAndBlocks) {
  const SwitchedOff off = switched_off(ard());
  EXPECT_EQ(off.inputs, (std::vector<std::string>{"b", "d"}));
  EXPECT_EQ(off.all_inputs, 7u);
  EXPECT_EQ(off.blocks, std::vector<std::string>{"block1"});
  EXPECT_EQ(off.all_blocks, 2u);
  EXPECT_EQ(to_text(off), "inputs b, d (2 of 7); blocks block1 (1 of 2)");
  EXPECT_EQ(to_json(off)["of_blocks"], 2);
}

TEST(SwitchedOff, InputsWithoutANameHaveANumber) {
  Model m = ard();
  m.preprocessing.features.clear();
  EXPECT_EQ(switched_off(m).inputs, (std::vector<std::string>{"input 2", "input 4"}));
}

TEST(SwitchedOff, NothingIsOffInAPlainNetwork) {
  const SwitchedOff off =
      switched_off(model::filled_model(model::made("mlp:5", model::table_problem())));
  EXPECT_FALSE(off.any());
  EXPECT_EQ(to_text(off), "");
}

}  // namespace
}  // namespace scalemix::study
