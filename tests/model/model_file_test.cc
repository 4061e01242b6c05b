#include "scalemix/model/model_file.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"
#include "tests/model/fixtures.h"

namespace scalemix::model {
namespace {

using testing::HasSubstr;

Model sample() {
  Model model = filled_model(made("mlp:2", {{2}, Task::regression, 1}, {"bernoulli:p=0.5"}));
  model.preprocessing.mean = {0.1f, -1e-30f};
  model.preprocessing.scale = {1, 3.4e38f};
  model.preprocessing.target_mean = 0.1;
  model.preprocessing.target_scale = 1e-300;
  model.preprocessing.target = "strength";
  model.preprocessing.features = {"cement", "\xc3\xa9t\xc3\xa9"};
  model.preprocessing.schema = R"({"columns":[1,2]})";
  model.about = R"({"seed":3})";
  return model;
}

std::string saved(const Folder& folder, const Model& model) {
  const std::string path = folder.file("m.safetensors");
  save_model(path, model);
  return path;
}

TEST(ModelFile, ReadsBackWhatItSaved) {
  const Folder folder;
  const Model model = sample(), got = load_model(saved(folder, model));
  EXPECT_EQ(to_json(got.spec), to_json(model.spec));
  EXPECT_EQ(got.about, model.about);
  const Preprocessing &a = got.preprocessing, &b = model.preprocessing;
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.scale, b.scale);
  EXPECT_EQ(a.target_mean, b.target_mean);
  EXPECT_EQ(a.target_scale, b.target_scale);
  EXPECT_EQ(a.target, b.target);
  EXPECT_EQ(a.features, b.features);
  EXPECT_EQ(a.schema, b.schema);
  ASSERT_EQ(got.tensors.size(), model.tensors.size());
  for (const auto& [name, tensor] : model.tensors) {
    EXPECT_EQ(got.tensors.at(name).bytes, tensor.bytes) << name;
  }
}

TEST(ModelFile, SavingTwiceGivesTheSameBytes) {
  const Folder folder;
  const std::string path = saved(folder, sample()), first = bytes_of(path);
  save_model(path, load_model(path));
  EXPECT_EQ(bytes_of(path), first);
}

TEST(ModelFile, EveryFlippedBitIsNoticed) {
  const Folder folder;
  const std::string path = saved(folder, sample()), bytes = bytes_of(path);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string bad = bytes;
    bad[i] = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
    write_bytes(path, bad);
    EXPECT_THROW(load_model(path), DataError) << "bit " << i % 8 << " of byte " << i;
  }
}

TEST(ModelFile, EveryTruncationIsNoticed) {
  const Folder folder;
  const std::string path = saved(folder, sample()), bytes = bytes_of(path);
  for (std::size_t n = 0; n < bytes.size(); n += 7) {
    write_bytes(path, bytes.substr(0, n));
    EXPECT_THROW(load_model(path), DataError) << n;
  }
}

/// A saved model with other metadata under a right checksum.
std::string refusal(const std::function<void(Container&)>& change) {
  const Folder folder;
  const std::string path = saved(folder, sample());
  Container container = read_safetensors(path);
  change(container);
  if (container.metadata.count("checksum")) {
    container.metadata["checksum"] = model_checksum(container);
  }
  write_safetensors(path, container);
  return message_of<DataError>([&] { load_model(path); });
}

TEST(ModelFile, OtherFormatsAndFeaturesAreRefused) {
  EXPECT_THAT(refusal([](Container& c) { c.metadata["format"] = "3"; }),
              HasSubstr("format 3 is newer than this program reads (2)"));
  EXPECT_THAT(refusal([](Container& c) { c.metadata["format"] = "0"; }),
              HasSubstr("format: expected"));
  EXPECT_THAT(refusal([](Container& c) { c.metadata.erase("format"); }),
              HasSubstr("not a scalemix model: no 'format'"));
  EXPECT_THAT(refusal([](Container& c) { c.metadata["features"] = "[\"csr\"]"; }),
              HasSubstr("uses the feature \"csr\""));
  EXPECT_THAT(refusal([](Container& c) { c.metadata["features"] = "{}"; }),
              HasSubstr("expected a list"));
  EXPECT_THAT(refusal([](Container& c) { c.metadata["more"] = "1"; }),
              HasSubstr("unknown metadata 'more'"));
  EXPECT_THAT(refusal([](Container& c) { c.metadata.erase("checksum"); }),
              HasSubstr("no 'checksum'"));
  EXPECT_THAT(refusal([](Container& c) { c.metadata["spec"] = "{"; }),
              HasSubstr("'spec' is not JSON"));
  EXPECT_THAT(refusal([](Container& c) { c.metadata["spec"] = "{}"; }),
              HasSubstr("input: missing"));
  EXPECT_THAT(refusal([](Container& c) { c.metadata["preprocessing"] = "{}"; }),
              HasSubstr("preprocessing: expected"));
}

TEST(ModelFile, TensorsMustBeExactlyTheSpecs) {
  const std::string weight = "linear1.weight";
  EXPECT_THAT(refusal([&](Container& c) { c.tensors.erase(weight); }),
              HasSubstr("no tensor 'linear1.weight'"));
  EXPECT_THAT(refusal([&](Container& c) { c.tensors["extra"] = c.tensors[weight]; }),
              HasSubstr("tensor 'extra' belongs to no layer"));
  EXPECT_THAT(refusal([&](Container& c) { c.tensors[weight].shape = {4}; }),
              HasSubstr("expected F32 (2, 2), got F32 (4)"));
  EXPECT_THAT(refusal([&](Container& c) {
                c.tensors[weight] = Tensor::of({2, 2}, std::vector<double>(4));
              }),
              HasSubstr("got F64 (2, 2)"));
  EXPECT_THAT(refusal([](Container& c) { c.tensors.erase("output.log_precision"); }),
              HasSubstr("no tensor 'output.log_precision'"));
}

TEST(ModelFile, SavingChecksTheModel) {
  const Folder folder;
  const auto message = [&](const std::function<void(Model&)>& change) {
    Model model = sample();
    change(model);
    const std::string path = folder.file("bad.safetensors");
    const std::string what = message_of<std::invalid_argument>([&] { save_model(path, model); });
    EXPECT_FALSE(std::filesystem::exists(path));
    return what;
  };
  EXPECT_THAT(message([](Model& m) { m.preprocessing.scale[0] = 0; }),
              HasSubstr("the scale positive"));
  EXPECT_THAT(message([](Model& m) { m.preprocessing.mean.push_back(0); }), HasSubstr("means"));
  EXPECT_THAT(message([](Model& m) { m.preprocessing.target_scale = -1; }), HasSubstr("target"));
  EXPECT_THAT(message([](Model& m) {
                m.preprocessing.classes = {"a", "b"};
              }),
              HasSubstr("class names"));
  EXPECT_THAT(message([](Model& m) { m.spec.outputs = 2; }), HasSubstr("expected (2)"));
  EXPECT_THAT(message([](Model& m) { m.spec.layers[1].site = 0; }), HasSubstr("no site or name"));
}

TEST(ModelFile, AFolderThatIsNotThereIsAFileError) {
  const Folder folder;
  EXPECT_THROW(save_model(folder.file("none/m.safetensors"), sample()), FileError);
  EXPECT_THROW(load_model(folder.file("none/m.safetensors")), FileError);
}

}  // namespace
}  // namespace scalemix::model
