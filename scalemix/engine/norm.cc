// Normalisation: over the batch, per channel, with running statistics of momentum 0.1 (Ioffe &
// Szegedy 2015); over the numbers of a row (Ba, Kiros & Hinton 2016).

#include "scalemix/kernel/norm.h"

#include "scalemix/engine/node.h"
#include "scalemix/kernel/activation.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::engine {
namespace {

constexpr double kMomentum = 0.1;

/// What both have: a scale and a shift.
class Norm : public Node {
 public:
  Norm(const Making& m, std::size_t width)
      : Node(width, width),
        eps_(m.layer.eps),
        weight_(m.layout.at(m.layer.name + ".weight").offset),
        bias_(m.layout.at(m.layer.name + ".bias").offset) {}

  bool gradient_in_place() const override { return true; }
  bool reads_input() const override { return true; }
  bool trained() const override { return true; }

 protected:
  double eps_;
  std::size_t weight_, bias_;
};

/// Of a training step. Kept: mean and 1 / sd of each channel.
class BatchNorm : public Norm {
 public:
  explicit BatchNorm(const Making& m)
      : Norm(m, model::elements(m.in)),
        channels_(m.in[0]),
        mean_(m.layout.at(m.layer.name + ".running_mean").offset),
        var_(m.layout.at(m.layer.name + ".running_var").offset) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    kernel::batch_norm_forward(shape(f), x, f.values + weight_, f.values + bias_, eps_, f.kept,
                               f.kept + channels_, y);
    if (f.writes_state) {
      kernel::running_statistics(shape(f), f.kept, f.kept + channels_, eps_, kMomentum,
                                 f.state + mean_, f.state + var_);
    }
    return 0;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    kernel::batch_norm_backward(shape(f), x, f.values + weight_, f.kept, f.kept + channels_, dy, dx,
                                f.gradients + weight_, f.gradients + bias_);
  }

  std::size_t kept(std::size_t) const override { return 2 * channels_; }

 private:
  kernel::Channels shape(const Frame& f) const { return {f.rows, channels_, in / channels_}; }
  std::size_t channels_, mean_, var_;
};

/// Of a prediction, from running statistics. Prepared: scale and shift of each channel.
class FoldedBatchNorm : public Norm {
 public:
  explicit FoldedBatchNorm(const Making& m)
      : Norm(m, model::elements(m.in)),
        channels_(m.in[0]),
        mean_(m.layout.at(m.layer.name + ".running_mean").offset),
        var_(m.layout.at(m.layer.name + ".running_var").offset) {}

  std::size_t prepared() const override { return 2 * channels_; }
  void prepare(const Frame& f) const override {
    float* scale = f.prepared + prepared_at;
    kernel::fold_batch_norm(channels_, f.state + mean_, f.state + var_, f.values + weight_,
                            f.values + bias_, eps_, scale, scale + channels_);
  }
  double forward(const Frame& f, const float* x, float* y) const override {
    const float* scale = f.prepared + prepared_at;
    if (x != y) std::copy_n(x, f.rows * in, y);
    kernel::batch_norm(f.rows, channels_, in / channels_, scale, scale + channels_, y);
    return 0;
  }
  bool in_place(bool) const override { return true; }

 private:
  std::size_t channels_, mean_, var_;
};

/// Kept: mean and 1 / sd of each row.
class LayerNorm : public Norm {
 public:
  explicit LayerNorm(const Making& m) : Norm(m, model::elements(m.in)), train_(m.train) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    float* kept = train_ ? f.kept : nullptr;
    kernel::layer_norm_forward(f.rows, in, x, f.values + weight_, f.values + bias_, eps_, kept,
                               kept ? kept + f.rows : nullptr, y);
    return 0;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    kernel::layer_norm_backward(f.rows, in, x, f.values + weight_, f.kept, f.kept + f.rows, dy, dx,
                                f.gradients + weight_, f.gradients + bias_);
  }

  std::size_t kept(std::size_t rows) const override { return train_ ? 2 * rows : 0; }
  bool in_place(bool trained) const override { return !trained; }

 private:
  bool train_;
};

}  // namespace

Nodes make_norm(const Making& m) {
  Nodes out;
  if (!model::layer_kind(m.layer.type).of_batch) {
    out.push_back(std::make_unique<LayerNorm>(m));
  } else if (m.train) {
    out.push_back(std::make_unique<BatchNorm>(m));
  } else {
    out.push_back(std::make_unique<FoldedBatchNorm>(m));
  }
  return out;
}

}  // namespace scalemix::inline v0::engine
