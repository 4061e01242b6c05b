// Model files whose checksum is right and whose contents ask for too much.
#pragma once

#include <string>

#include "scalemix/model/model_file.h"
#include "scalemix/model/safetensors.h"

namespace scalemix::model {

inline std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

/// The metadata of a model, as text that nothing has checked.
struct Texts {
  std::string spec =
                  R"({"input":[1],"task":"regression","outputs":1,"architecture":"","methods":[],)"
                  R"("layers":[{"type":"flatten","name":"flatten1","site":1}]})",
              preprocessing = R"({"mean":[],"scale":[],"target_mean":0,"target_scale":1,)"
                              R"("classes":[],"target":"y","features":[],"schema":null})",
              about = "null", features = "[]", format = "2";
};

/// Writes the file, with tensors for one regression output.
inline void write_hostile(const std::string& path, const Texts& texts) {
  Container c;
  c.tensors["output.log_precision"] = Tensor::of({1}, std::vector<float>{0});
  c.metadata = {{"spec", texts.spec},
                {"preprocessing", texts.preprocessing},
                {"about", texts.about},
                {"features", texts.features},
                {"format", texts.format}};
  c.metadata["checksum"] = model_checksum(c);
  write_safetensors(path, c);
}

/// A spec of these layers, of one output.
inline std::string spec_text(const std::string& input, const std::string& layers) {
  return R"({"task":"regression","outputs":1,"architecture":"","methods":[],"input":)" + input +
         R"(,"layers":[)" + layers + "]}";
}

}  // namespace scalemix::model
