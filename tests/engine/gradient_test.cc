// The backward pass of every layer and every kind of noise against central differences of a naive
// network in double under the same noise.

#include <gtest/gtest.h>

#include <cmath>

#include "scalemix/engine/program.h"
#include "scalemix/kernel/loss.h"
#include "scalemix/model/build.h"
#include "tests/model/fixtures.h"
#include "tests/model/naive.h"
#include "tests/model/random_spec.h"

namespace scalemix::engine {
namespace {

using namespace model;

constexpr std::uint64_t kSeed = 7;
constexpr std::uint32_t kDraw = 3;
constexpr double kWeight = 0.01;  // of the penalty, per row of the objective

/// A step of the engine on one replica: its objective, its gradients.
class Trained {
 public:
  Trained(const Model& model, std::size_t rows, bool sparse_data = false)
      : layout(model.spec),
        program(model.spec, layout, {.train = true, .rows = rows, .sparse_data = sparse_data}),
        schedule(program, rows, program.instructions().size()),
        values(layout.values()),
        gradients(layout.values()),
        state(layout.state()),
        memory(schedule.floats()),
        prepared(program.prepared()),
        base(program.width()) {
    layout.read(model, values.data(), state.data());
  }

  double step(const std::vector<float>& x, const std::vector<std::int64_t>& label) {
    Frame frame{.mode = Mode::train,
                .rows = label.size(),
                .seed = kSeed,
                .draw = kDraw,
                .values = values.data(),
                .gradients = gradients.data(),
                .state = state.data(),
                .writes_state = true,
                .base = base.data(),
                .prepared = prepared.data(),
                .penalty_weight = kWeight};
    program.prepare(frame);
    std::copy(x.begin(), x.end(), schedule.input(memory.data()));
    double loss = program.forward(frame, schedule, memory.data(), 0, program.instructions().size());
    loss *= kWeight;
    loss += kernel::categorical_nll(label.size(), program.outputs(), schedule.output(memory.data()),
                                    label.data(), schedule.output_gradient(memory.data()));
    program.backward(frame, schedule, memory.data());
    for (const auto& noise : program.noises()) {
      frame.d_prepared = schedule.d_prepared(noise->instruction, memory.data());
      if (noise->kind().terms_back) noise->kind().terms_back(noise->at(frame), kWeight);
      if (noise->kind().penalty) loss += kWeight * noise->kind().penalty(noise->at(frame));
    }
    return loss;
  }

  Layout layout;
  Program program;
  Schedule schedule;
  std::vector<float> values, gradients, state, memory, prepared, base;
};

double naive_loss(Naive& naive, const Naive::Batch& x, const std::vector<std::int64_t>& label) {
  const Naive::Batch out = naive.train(x, kSeed, kDraw);
  double loss = 0;
  for (std::size_t n = 0; n < out.size(); ++n) {
    double most = out[n][0], sum = 0;
    for (const double v : out[n]) most = std::fmax(most, v);
    for (const double v : out[n]) sum += std::exp(v - most);
    loss += (most + std::log(sum) - out[n][static_cast<std::size_t>(label[n])]) /
            static_cast<double>(out.size());
  }
  return loss + kWeight * naive.penalty();
}

/// Every tensor of every layer, some of its numbers. What lies within rounding of a kink (a maximum
/// that changes hands) is seen by two step sizes that disagree, and left out; most must remain.
void expect_gradients(const Spec& spec, const std::string& what, std::size_t rows = 6,
                      bool sparse_data = false) {
  SCOPED_TRACE(what);
  const Model model = filled_model(spec);
  const std::size_t width = elements(spec.input);
  std::vector<float> x = model::values(rows * width, 77, -2, 2);
  if (sparse_data) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % 5 == 0 ? x[i] : 0;
  }
  std::vector<std::int64_t> label;
  Naive::Batch batch;
  for (std::size_t n = 0; n < rows; ++n) {
    label.push_back(static_cast<std::int64_t>(n % spec.outputs));
    batch.emplace_back(x.begin() + static_cast<std::ptrdiff_t>(n * width),
                       x.begin() + static_cast<std::ptrdiff_t>((n + 1) * width));
  }
  Trained trained(model, rows, sparse_data);
  EXPECT_EQ(trained.program.sparse(), sparse_data);
  Naive naive(model);
  const double loss = trained.step(x, label);
  EXPECT_NEAR(loss, naive_loss(naive, batch, label), 2e-5 + 2e-7 * loss);  // a float's own rounding
  for (const Slot& slot : trained.layout.slots()) {
    if (!slot.tensor.trained) continue;
    std::vector<double>& numbers = naive.tensors.at(slot.name);
    double scale = 1e-3;
    for (std::size_t i = 0; i < slot.count; ++i) {
      scale = std::fmax(scale, std::abs(trained.gradients[slot.offset + i]));
    }
    const std::size_t stride = std::max<std::size_t>(1, slot.count / 5);
    std::size_t looked = 0, left_out = 0;
    for (std::size_t i = 0; i < slot.count; i += stride, ++looked) {
      const double before = numbers[i];
      const auto slope = [&](double h) {
        numbers[i] = before + h;
        const double up = naive_loss(naive, batch, label);
        numbers[i] = before - h;
        const double down = naive_loss(naive, batch, label);
        numbers[i] = before;
        return (up - down) / (2 * h);
      };
      const double fine = slope(1e-5), coarse = slope(1e-4);
      if (std::abs(fine - coarse) > 1e-3 * scale) {
        ++left_out;
        continue;
      }
      EXPECT_NEAR(trained.gradients[slot.offset + i], fine, 2e-3 * scale)
          << slot.name << "[" << i << "]";
    }
    EXPECT_LE(2 * left_out, looked) << slot.name;
  }
}

Problem table() { return {{7}, Task::classification, 3}; }
Problem images() { return {{2, 8, 8}, Task::classification, 3}; }

TEST(Gradient, OfEveryActivation) {
  for (const LayerKind& kind : layer_kinds()) {
    if (kind.family != Family::activation) continue;
    const Layer act = activation(std::string(kind.name), 0.1);
    expect_gradients(chain(table(), {linear(7, 6), act, linear(6, 3)}), std::string(kind.name));
    // In front of the first weights, and twice in a row.
    expect_gradients(chain(table(), {act, linear(7, 6), act, act, linear(6, 3)}),
                     std::string(kind.name) + " twice");
  }
}

TEST(Gradient, OfEveryNormPoolAndConvolution) {
  expect_gradients(chain(table(), {linear(7, 6), batch_norm(6), relu(), linear(6, 3)}), "bn");
  expect_gradients(chain(table(), {linear(7, 6), layer_norm(6), activation("tanh"), linear(6, 3)}),
                   "ln");
  const auto net = [](Layers middle, std::size_t flat) {
    Layers layers{conv2d(2, 4, {3, 1, 1})};
    layers.insert(layers.end(), middle.begin(), middle.end());
    layers.push_back(flatten());
    layers.push_back(linear(flat, 3));
    return chain(images(), layers);
  };
  expect_gradients(net({batch_norm(4), relu(), max_pool(2)}, 64), "bn of images, max pool");
  expect_gradients(net({layer_norm(256), relu(), avg_pool(2)}, 64), "ln of images, average pool");
  expect_gradients(net({activation("gelu"), max_pool(0)}, 4), "max of channels");
  expect_gradients(net({relu(), avg_pool(0)}, 4), "mean of channels");
  expect_gradients(net({relu(), conv2d(4, 5, {3, 2, 0}), activation("elu")}, 45), "strides");
}

TEST(Gradient, OfResidualBlocks) {
  expect_gradients(architecture("resmlp:6x2", table()), "resmlp");
  // A block that begins with an activation, which must not destroy what the shortcut reads.
  for (const char* word : {"relu", "tanh", "gelu"}) {
    expect_gradients(
        chain(table(), {linear(7, 6), residual({activation(word), linear(6, 6), activation(word)}),
                        linear(6, 3)}),
        word);
  }
  // Blocks in blocks: a value that three read.
  const Layer inner = residual({linear(6, 6), relu()});
  expect_gradients(chain(table(), {linear(7, 6), residual({inner, linear(6, 6)}), linear(6, 3)}),
                   "nested");
  expect_gradients(chain(table(), {linear(7, 6), residual({inner}, {linear(6, 6)}), linear(6, 3)}),
                   "nested, with a shortcut");
  expect_gradients(chain(table(), {residual({linear(7, 7)}), relu(), linear(7, 3)}), "first");
  expect_gradients(chain(images(), {conv2d(2, 4, {3, 1, 1}, false), batch_norm(4), relu(),
                                    residual({conv2d(4, 6, {3, 2, 1}, false), batch_norm(6), relu(),
                                              conv2d(6, 6, {3, 1, 1}, false), batch_norm(6)},
                                             {conv2d(4, 6, {1, 2, 0}, false), batch_norm(6)}),
                                    relu(), avg_pool(0), flatten(), linear(6, 3)}),
                   "convolutional");
}

TEST(Gradient, OfABlockWhoseBranchAndShortcutAreTheSameValue) {
  expect_gradients(chain(table(), {linear(7, 6), residual({flatten()}), linear(6, 3)}), "twice x");
  expect_gradients(
      chain(table(), {linear(7, 6), residual({residual({flatten()}), linear(6, 6)}), linear(6, 3)}),
      "twice x, and read again");
}

TEST(Gradient, OfNetworksOfRandomStructure) {
  for (std::uint64_t number = 0; number < 60; ++number) {
    expect_gradients(RandomSpec(number).make(), "network " + std::to_string(number), 4);
  }
}

TEST(Gradient, OfEveryMethod) {
  for (const char* method : {"svdo",
                             "svdo:kl=exact",
                             "svdo:clip=on",
                             "svdo:clip=on,kl=exact,threshold=1",
                             "vi:sigma0=0.5",
                             "vi:prior=stabilising,sigma0=0.7",
                             "concrete:p=0.3,length=0.5",
                             "bernoulli:p=0.3,input=0.1",
                             "gaussian:alpha=0.3",
                             "half_cauchy:scale=0.5",
                             "additive:laplace",
                             "dropconnect:p=0.4",
                             "dropconnect:gaussian:alpha=0.3",
                             "poisson",
                             "gsm:group=row,sigma0=0.7",
                             "gsm:group=weight,hyper=half_cauchy:scale=0.3",
                             "gsm:group=filter,hyper=log_uniform",
                             "gsm:group=matrix",
                             "gsm:group=both,sampler=flipout",
                             "ard:sampler=released",
                             "ard_add:objective=released",
                             "add:hyper=half_cauchy,objective=released",
                             "prior:laplace:scale=0.3",
                             "prior:student_t:nu=3,scale=0.2",
                             "prior:induced:gamma",
                             "prior:horseshoe:scale=0.3,group=row",
                             "prior:student_t:nu=3,scale=0.2,group=matrix",
                             "prior:laplace,group=filter"}) {
    expect_gradients(made("mlp:6-5", table(), {method}), method);
    expect_gradients(made("resmlp:6x1", table(), {method}), std::string("resmlp ") + method);
  }
  expect_gradients(made("resmlp:6x2", table(), {"stochastic_depth:p=0.5"}), "stochastic depth");
  for (const law::LawRow& law : law::laws()) {
    if (!law::AnyLaw::parse(law.name).pathwise() || law.name == "normal") continue;
    const std::string method = "learned:" + std::string(law.name);
    expect_gradients(made("mlp:6-5", table(), {method}), method);
    expect_gradients(made("resmlp:6x1", table(), {method}), "resmlp " + method);
  }
  const Spec conv = chain(images(), {conv2d(2, 3, {3}), relu(), max_pool(2), conv2d(3, 4, {3}),
                                     activation("tanh"), flatten(), linear(4, 3)});
  for (const char* method :
       {"svdo", "vi", "vi:prior=stabilising", "prior:laplace,group=row", "concrete:length=0.5",
        "spatial:p=0.3", "dropconnect:p=0.4", "bernoulli:p=0.3", "gsm:group=row",
        "gsm:group=filter,sampler=flipout"}) {
    Spec spec = conv;
    apply_method(spec, method);
    expect_gradients(spec, std::string("conv ") + method);
  }
}

TEST(Gradient, WhereZerosOfTheDataAreLeftOut) {
  for (const char* method : {"none", "svdo", "dropconnect:p=0.4", "bernoulli:p=0.3"}) {
    expect_gradients(made("mlp:32", {{40}, Task::classification, 3}, {method}), method, 33, true);
  }
}

TEST(Gradient, WhereAMaxPoolLeavesMostGradientsZero) {
  Spec spec = chain({{1, 16, 16}, Task::classification, 3},
                    {conv2d(1, 3, {8, 1, 0}), relu(), max_pool(3), flatten(), linear(27, 3)});
  Trained plain(filled_model(spec), 4);
  EXPECT_TRUE(plain.program.sparse_gradients());
  expect_gradients(spec, "listed", 4);
  apply_method(spec, "svdo");
  expect_gradients(spec, "listed svdo", 4);
}

}  // namespace
}  // namespace scalemix::engine
