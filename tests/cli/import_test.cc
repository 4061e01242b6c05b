// scalemix import: from ONNX and from weights to a file that every other subcommand takes.

#include <filesystem>

#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

class ImportTest : public CliTest {
 protected:
  /// What import answers, with a model file called m.safetensors.
  Result import(std::vector<std::string> words) {
    words.insert(words.begin(), "import");
    words.insert(words.end(), {"--out", out_});
    return scalemix(words);
  }
  void refuses(const std::vector<std::string>& words, int code,
               const std::vector<std::string>& says) {
    const Result r = import(words);
    EXPECT_EQ(r.code, code) << r.err;
    EXPECT_EQ(r.out, "");
    EXPECT_THAT(r.err, testing::StartsWith("scalemix: "));
    for (const std::string& part : says) EXPECT_THAT(r.err, HasSubstr(part));
    EXPECT_FALSE(std::filesystem::exists(out_));
  }
  std::string exported(const model::Model& m) {
    const std::string file = path("net.onnx");
    EXPECT_EQ(scalemix({"export", save("was.safetensors", m), "--onnx", file}).code, kSuccess);
    return file;
  }
  /// A network of 10 inputs without preprocessing, as PyTorch has its weights.
  std::string weights() {
    const model::Model m = model::filled_model(model::made("mlp:6", {{10}, Task::regression, 1}));
    model::Container c;
    for (const auto& [name, tensor] : m.tensors) {
      if (name.starts_with("linear")) c.tensors["net." + name.substr(6)] = tensor;
    }
    model::write_safetensors(path("w.safetensors"), c);
    return path("w.safetensors");
  }
  std::string out_ = path("m.safetensors");
};

TEST_F(ImportTest, AnOnnxFileThatEverySubcommandTakes) {
  const std::string run = path("run");
  ASSERT_EQ(scalemix({"train", "--data", "friedman1", "--model", "mlp:20", "--method", "none",
                      "--epochs", "5", "--quiet", "--out", run})
                .code,
            kSuccess);
  ASSERT_EQ(scalemix({"export", run, "--onnx", path("net.onnx")}).code, kSuccess);
  const Result r = import({path("net.onnx"), "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(r.err, HasSubstr("net.onnx: taken as regression: it does not end in Softmax\n"));
  EXPECT_EQ(r.json()["weights"], 220);
  EXPECT_EQ(r.json()["bytes"], std::filesystem::file_size(out_));
  EXPECT_EQ(r.json()["input"], nlohmann::json({10}));
  const auto rmse = [](const std::string& model) {
    return scalemix({"evaluate", model, "--data", "friedman1", "--json"})
        .json()["metrics"]["rmse"]
        .get<double>();
  };
  EXPECT_NEAR(rmse(out_), rmse(run), 1e-5);
  EXPECT_THAT(scalemix({"show", out_}).out, HasSubstr("net.onnx"));
  EXPECT_EQ(scalemix({"predict", out_, "--data", "friedman1"}).code, kSuccess);
  EXPECT_EQ(scalemix({"export", out_, "--c", path("net.c"), "--onnx", path("b.onnx")}).code,
            kSuccess);
  const std::string small = path("small.safetensors");
  EXPECT_EQ(scalemix({"prune", out_, "--data", "friedman1", "--sparsity", "0.5", "--points", "0",
                      "--out", small})
                .code,
            kSuccess);
  EXPECT_NE(rmse(small), rmse(run));
  EXPECT_EQ(scalemix({"train", "--data", "friedman1", "--model", out_, "--from", out_, "--epochs",
                      "1", "--quiet", "--out", path("more")})
                .code,
            kSuccess);
}

TEST_F(ImportTest, ClassesAndMessages) {
  const std::string net = exported(yes_model());
  Result r = import({net});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(r.err, HasSubstr("taken as classification: it ends in Softmax\n"));
  EXPECT_THAT(r.out, HasSubstr("m.safetensors: "));
  EXPECT_THAT(r.out, HasSubstr("(2) -> 2 outputs, 4 weights\n"));
  EXPECT_THAT(model::load_model(out_).preprocessing.classes,
              testing::ElementsAre("no, thanks", "yes"));
  r = import({net, "--classes", "a,b", "--quiet"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_EQ(r.err, "");
  EXPECT_THAT(model::load_model(out_).preprocessing.classes, testing::ElementsAre("a", "b"));
}

TEST_F(ImportTest, WeightsWithTheirNetwork) {
  const std::string file = weights();
  Result r = import({file, "--model", "mlp:6", "--input", "10", "--outputs", "1"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(r.err, HasSubstr("taken as regression: it has one output\n"));
  EXPECT_EQ(scalemix({"evaluate", out_, "--data", "friedman1"}).code, kSuccess);
  // A spec as JSON, and a model, say their problem themselves.
  const std::string spec = write("net.json", R"({"input": [10], "task": "regression", "outputs": 1,
      "layers": [{"type": "linear", "out": 6}, {"type": "tanh"}, {"type": "linear", "out": 1}]})");
  r = import({file, "--model", spec});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(r.err, HasSubstr("as its spec says"));
  EXPECT_EQ(model::load_model(out_).spec.layers[1].type, "tanh");
  std::filesystem::rename(out_, path("other.safetensors"));
  EXPECT_EQ(import({file, "--model", path("other.safetensors"), "--names", "net.2=linear2"}).code,
            kSuccess);
  EXPECT_EQ(model::load_model(out_).spec.layers[1].type, "tanh");
}

TEST_F(ImportTest, SeveralOutputsAreClassesUnlessSaidOtherwise) {
  model::Container c;
  c.tensors["fc.weight"] = model::Tensor::of({3, 2}, std::vector<float>(6));
  c.tensors["fc.bias"] = model::Tensor::of({3}, std::vector<float>(3));
  model::write_safetensors(path("w.safetensors"), c);
  const std::vector<std::string> words{path("w.safetensors"), "--model", "linear", "--input", "2"};
  const auto task = [&](std::vector<std::string> more) {
    more.insert(more.begin(), words.begin(), words.end());
    EXPECT_EQ(import(more).code, kSuccess);
    return model::load_model(out_).spec.task;
  };
  EXPECT_EQ(task({"--outputs", "3"}), Task::classification);
  EXPECT_EQ(task({"--outputs", "3", "--task", "regression"}), Task::regression);
  EXPECT_EQ(task({"--classes", "a,b,c"}), Task::classification);
}

TEST_F(ImportTest, RefusesWithTheCodeOfItsKind) {
  const std::string net = exported(price_model()), file = weights();
  refuses({path("none.onnx")}, kNoInput, {"none.onnx", "no such file"});
  refuses({write("a.onnx", "rows")}, kBadData, {"a.onnx: damaged or not ONNX"});
  refuses({write("b.safetensors", "rows"), "--model", "mlp:6", "--input", "3", "--outputs", "1"},
          kBadData, {"b.safetensors"});
  refuses({net, "--model", "mlp:6"}, kBadConfig,
          {"net.onnx: --model, --names and --outputs are for"});
  refuses({net, "--task", "regresion"}, kBadConfig, {"--task: must be one of", "regression"});
  refuses({net, "--task", "regression", "--classes", "a,b"}, kBadConfig, {"--classes is for"});
  refuses({net, "--task", "classification"}, kBadData, {"net.onnx: outputs: expected at least 2"});
  refuses({net, "--input", "7"}, kBadData, {"input 'x': expected (7) as asked for, got (-1, 3)"});
  refuses({net, "--input", "7,7"}, kBadConfig, {"--input: expected K or C,H,W, got 7,7"});
  refuses({file}, kBadConfig, {"w.safetensors: weights need --model"});
  refuses({file, "--model", "mlp:6", "--outputs", "1"}, kBadConfig, {"give --input"});
  refuses({file, "--model", "mlp:6", "--input", "10"}, kBadConfig, {"give --outputs"});
  refuses({file, "--model", "mlpp:6", "--input", "10", "--outputs", "1"}, kBadConfig,
          {"did you mean 'mlp'?"});
  refuses(
      {file, "--model", "mlp:7", "--input", "10", "--outputs", "1"}, kBadData,
      {"w.safetensors: 'net.1' has", "layer linear1 (linear) expects weight (7, 10), bias (7)"});
  refuses({file, "--model", "mlp:6", "--input", "10", "--outputs", "1", "--names", "a"}, kBadConfig,
          {"--names: expected GROUP=LAYER"});
  refuses({file, "--model", write("n.json", "{"), "--input", "10"}, kBadData, {"n.json: not JSON"});
  refuses({file, "--model", write("l.json", "{}"), "--input", "10"}, kBadData,
          {"l.json: layers: missing"});
  EXPECT_EQ(scalemix({"import", net}).code, kUsage);
}

}  // namespace
}  // namespace scalemix::cli
