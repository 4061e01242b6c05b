// The values of an ONNX file by name: which are constants, which node gives the others, and where
// paths through it part.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <deque>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/compress/onnx_file.h"

namespace scalemix::inline v0::compress {

/// What is wrong at a node; the message begins with its name and operator.
struct OnnxNodeError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// "node 'Gemm_3' (Gemm)"; a node without a name is named by what it gives.
std::string onnx_label(const OnnxNode& node);

template <class... Args>
[[noreturn]] void refuse(const OnnxNode& node, fmt::format_string<Args...> text, Args&&... args) {
  throw OnnxNodeError(onnx_label(node) + ": " + fmt::format(text, std::forward<Args>(args)...));
}

class OnnxNet {
 public:
  /// `file` must outlive it. Throws std::invalid_argument, naming the node or value: a name that two
  /// things have, a node that reads what no earlier node gives, not one output, not one input beside
  /// those that metadata calls noise.
  explicit OnnxNet(const OnnxFile& file);

  const OnnxFile& file() const { return file_; }
  const OnnxValue& input() const { return *input_; }
  const std::string& output() const { return file_.outputs.front().name; }

  /// Null for what depends on the input.
  const OnnxTensor* constant(std::string_view value) const;
  /// An input of multipliers, as export_onnx writes them; null for another value.
  const OnnxValue* noise(std::string_view value) const;
  /// Its law, from metadata.
  const std::string& law(const OnnxValue& noise) const;
  /// Null for the input, noise and constants.
  const OnnxNode* giver(std::string_view value) const;
  /// The same if its operator is `op`.
  const OnnxNode* giver(std::string_view value, std::string_view op) const;

  /// Place in an order in which no value depends on a later one: 0 is the input.
  std::size_t place(std::string_view value) const;
  /// The last value through which all paths from the input to `a` and to `b` lead.
  const std::string& fork(std::string_view a, std::string_view b) const;

 private:
  enum class Is { input, noise, constant, given };
  struct Value {
    Is is = Is::given;
    const OnnxTensor* tensor = nullptr;
    const OnnxValue* noise = nullptr;
    std::size_t place = 0;
  };
  /// In the tree of values in which each hangs below the last one that all paths to it lead through;
  /// `jump` leads up in steps that make a walk to the root logarithmic.
  struct Place {
    const std::string* name;
    std::size_t parent, jump, depth;
  };

  void add(const std::string& name, Value value, std::string_view what);
  void add_inputs();
  bool add_constant(const OnnxNode& node);
  void add_node(const OnnxNode& node);
  std::size_t common(std::size_t a, std::size_t b) const;

  const OnnxFile& file_;
  const OnnxValue* input_ = nullptr;
  std::map<std::string, Value, std::less<>> values_;
  std::vector<Place> places_;
  std::vector<const OnnxNode*> givers_;  // of each place; null of the input
  std::deque<OnnxTensor> made_;          // of Constant nodes without a tensor
};

}  // namespace scalemix::inline v0::compress
