#include "scalemix/model/model_file.h"

#include <gmock/gmock.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"
#include "scalemix/model/model_bytes.h"
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

TEST(ModelFile, InMemoryItIsTheSame) {
  const Folder folder;
  const std::string path = saved(folder, sample()), bytes = bytes_of(path);
  save_model(path, parse_model(bytes, "memory"));
  EXPECT_EQ(bytes_of(path), bytes);
  EXPECT_THAT(message_of<DataError>([&] { parse_model(bytes.substr(0, 99), "memory"); }),
              testing::StartsWith("memory: damaged or not safetensors: "));
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

/// Sparse, rounded, with the columns' means as tensors.
Model pruned_sample() {
  Model model = filled_model(made("mlp:20", {{70}, Task::regression, 1}, {}));
  model.preprocessing.mean = values(70, 5);
  model.preprocessing.scale = values(70, 6, 0.5, 2);
  Tensor& w = model.tensors.at("linear1.weight");
  std::vector<float> numbers = w.floats();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i % 50 != 3) numbers[i] = 0;
  }
  w = Tensor::of(w.shape, numbers);
  return model;
}

TEST(ModelFile, SmallerFormsReadBack) {
  const Folder folder;
  const std::string path = folder.file("m.safetensors");
  const Model model = pruned_sample();
  save_model(path, model);
  const Model got = load_model(path);
  EXPECT_EQ(got.preprocessing.mean, model.preprocessing.mean);
  EXPECT_EQ(got.preprocessing.scale, model.preprocessing.scale);
  for (const auto& [name, tensor] : model.tensors) {
    EXPECT_EQ(got.tensors.at(name).bytes, tensor.bytes) << name;
  }
  const auto sparse = std::filesystem::file_size(path);
  save_model(path, model, {.sparse = false});
  EXPECT_GT(std::filesystem::file_size(path), sparse + 4000);
  EXPECT_EQ(load_model(path).tensors.at("linear1.weight").bytes,
            model.tensors.at("linear1.weight").bytes);
}

TEST(ModelFile, EveryFlippedBitOfASmallerFormIsNoticed) {
  const Folder folder;
  const std::string path = folder.file("m.safetensors");
  save_model(path, pruned_sample(), {.store = Store::int8});
  const std::string bytes = bytes_of(path);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string bad = bytes;
    bad[i] = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
    write_bytes(path, bad);
    EXPECT_THROW(load_model(path), DataError) << "bit " << i % 8 << " of byte " << i;
  }
}

/// Whatever a byte of the header's end becomes, spaces between its object and the data included.
TEST(ModelFile, EveryOtherByteOfTheHeadersEndIsNoticed) {
  const Folder folder;
  Model model = sample();
  for (const char* about : {"1", "12", "123", "1234", "12345", "123456", "1234567", "12345678"}) {
    model.about = about;
    const std::string path = saved(folder, model), bytes = bytes_of(path);
    std::uint64_t header = 0;
    std::memcpy(&header, bytes.data(), 8);
    for (std::size_t i = 8 + header - 8; i < 8 + header; ++i) {
      for (int other = 0; other < 256; ++other) {
        if (static_cast<char>(other) == bytes[i]) continue;
        std::string bad = bytes;
        bad[i] = static_cast<char>(other);
        write_bytes(path, bad);
        EXPECT_THROW(load_model(path), DataError) << other << " at byte " << i;
      }
    }
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
  // A number that no double holds, which the JSON library reports in its own way.
  for (const char* key : {"spec", "preprocessing", "about"}) {
    EXPECT_THAT(refusal([&](Container& c) { c.metadata[key] = "{\"a\": 238505e6267}"; }),
                HasSubstr("is not JSON"))
        << key;
  }
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
