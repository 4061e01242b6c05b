// What the tests of the command share: running it in this process, and small models made without
// training.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "scalemix/cli/exit_code.h"
#include "scalemix/data/schema.h"
#include "scalemix/data/table.h"
#include "scalemix/model/model_file.h"
#include "tests/model/fixtures.h"

namespace scalemix::inline v0::cli {

using testing::HasSubstr;

// Declared here: command.h brings in a library that is slow to compile.
int run(int argc, const char* const* argv, std::ostream& out);

struct Result {
  int code = 0;
  std::string out, err;

  nlohmann::json json() const { return nlohmann::json::parse(out); }
};

/// scalemix WORDS...
inline Result scalemix(const std::vector<std::string>& words) {
  std::vector<const char*> argv = {"scalemix"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  std::ostringstream out;
  testing::internal::CaptureStderr();
  Result result;
  result.code = run(static_cast<int>(argv.size()), argv.data(), out);
  std::fflush(stderr);
  result.err = testing::internal::GetCapturedStderr();
  result.out = out.str();
  return result;
}

/// Standard input holds `path` while this lives.
class StandardInput {
 public:
  explicit StandardInput(const std::string& path) : saved_(::dup(STDIN_FILENO)) {
    if (!std::freopen(path.c_str(), "rb", stdin)) ADD_FAILURE() << "cannot open " << path;
  }
  ~StandardInput() {
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
    std::clearerr(stdin);
  }

 private:
  int saved_;
};

inline std::string schema_of(const std::string& csv) {
  return data::to_text(data::learn_schema(data::parse_table(csv, "train.csv")));
}

inline model::Spec linear_spec(std::size_t inputs, Task task, std::size_t outputs,
                               const std::vector<std::string>& methods = {}) {
  return model::made("linear", {{inputs}, task, outputs}, methods);
}

inline std::string first_linear(const model::Spec& spec) {
  for (const model::Layer& layer : spec.layers) {
    if (layer.type == "linear") return layer.name;
  }
  ADD_FAILURE() << "no linear layer";
  return "";
}

/// price = 2 size + 10 [Paris] + 20 [Rome] + 5 + noise of sd 3; size has mean 4 in training. With a
/// weight `slope` other than 2 it is another member of an ensemble.
inline model::Model price_model(float slope = 2) {
  model::Model m;
  m.spec = linear_spec(3, Task::regression, 1);
  m.preprocessing.mean = {4, 0, 0};
  m.preprocessing.scale = {2, 1, 1};
  m.preprocessing.target_mean = 5;
  m.preprocessing.target_scale = 1;
  m.preprocessing.target = "price";
  m.preprocessing.schema = schema_of("size,city,price\n1,Paris,3\n2,Rome,4\n5,Rome,9\n");
  m.preprocessing.features = data::schema_from_text(m.preprocessing.schema).features();
  const std::string name = first_linear(m.spec);
  m.tensors[name + ".weight"] = model::Tensor::of({1, 3}, std::vector<float>{2 * slope, 10, 20});
  m.tensors[name + ".bias"] = model::Tensor::of({1}, std::vector<float>{4 * slope});
  m.tensors["output.log_precision"] =
      model::Tensor::of({1}, std::vector<float>{static_cast<float>(-2 * std::log(3.0))});
  m.about = R"({"data": "train.csv", "replica": 0, "train_rows": 3})";
  return m;
}

/// Class "yes" where a > b: logits (0, a - b). The class "no, thanks" needs quotes in CSV.
inline model::Model yes_model() {
  model::Model m;
  m.spec = linear_spec(2, Task::classification, 2);
  m.preprocessing.classes = {"no, thanks", "yes"};
  m.preprocessing.target = "answer";
  m.preprocessing.schema = schema_of("a,b,answer\n1,2,\"no, thanks\"\n2,1,yes\n");
  m.preprocessing.features = {"a", "b"};
  const std::string name = first_linear(m.spec);
  m.tensors[name + ".weight"] = model::Tensor::of({2, 2}, std::vector<float>{0, 0, 1, -1});
  m.tensors[name + ".bias"] = model::Tensor::of({2}, std::vector<float>{0, 0});
  return m;
}

/// A network with dropout on plain numbers x1 ... x4, weights by number; regression.
inline model::Model noisy_model() {
  const model::Spec spec = model::made("mlp:8", {{4}, Task::regression, 1}, {"bernoulli:p=0.5"});
  model::Model m = model::filled_model(spec);
  m.preprocessing.target = "y";
  m.preprocessing.schema = schema_of("x1,x2,x3,x4,y\n1,2,3,4,5\n2,3,4,5,6\n");
  m.preprocessing.features = {"x1", "x2", "x3", "x4"};
  return m;
}

/// A test with a folder of its own and the models above in it.
class CliTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }

  std::string write(const std::string& name, const std::string& text) const {
    model::write_bytes(path(name), text);
    return path(name);
  }

  std::string save(const std::string& name, const model::Model& m) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    model::save_model(path(name), m);
    return path(name);
  }

  /// A run folder with these replicas.
  std::string save_run(const std::string& name, const std::vector<model::Model>& replicas) const {
    for (std::size_t i = 0; i < replicas.size(); ++i) {
      model::Model m = replicas[i];
      nlohmann::json about = model::about(m);
      about["replica"] = i;
      m.about = about.dump();
      save(name + "/replica-00" + std::to_string(i) + "/model.safetensors", m);
    }
    write(name + "/config.toml", "data = \"train.csv\"\n");
    return path(name);
  }

 private:
  model::Folder folder_;
};

}  // namespace scalemix::inline v0::cli
