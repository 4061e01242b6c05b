#include "scalemix/compress/student.h"

#include "scalemix/base/error.h"
#include "tests/compress/fixtures.h"

namespace scalemix::compress {
namespace {

std::size_t weights_in(const std::string& word, const Problem& problem) {
  std::size_t sum = 0;
  const Spec spec = made(word, problem, {});
  for_each_layer(spec, [&](const Layer& layer, const Shape&) {
    if (has_weights(layer)) sum += weight_count(layer);
  });
  return sum;
}

TEST(Student, HasAlmostAsManyWeightsAndTheTeachersShape) {
  const Problem problem{{784}, Task::classification, 10};
  for (const std::size_t weights : {900, 4000, 20000, 266200, 1000000}) {
    const Spec teacher = made("mlp:300-100", problem, {"bernoulli:p=0.2"});
    const std::size_t got = weights_in(student_of(teacher, weights), problem);
    EXPECT_LE(got, weights);
    EXPECT_GT(got + 784 + 300, weights);  // one unit more would be too many
  }
  EXPECT_EQ(student_of(made("mlp:300-100", problem, {}), 266200), "mlp:300-100");
  EXPECT_EQ(student_of(made("mlp:30,tanh", table_problem(), {}), 90), "mlp:10,tanh");
}

TEST(Student, RefusesInWords) {
  using ::testing::HasSubstr;
  const Spec mlp = made("mlp:30", table_problem(), {});
  EXPECT_THAT(message_of<ConfigError>([&] { student_of(mlp, 8); }), HasSubstr("has 9 already"));
  EXPECT_THAT(message_of<ConfigError>([&] { student_of(made("linear", table_problem(), {}), 8); }),
              HasSubstr("no hidden layer"));
  EXPECT_THAT(
      message_of<ConfigError>([&] { student_of(made("lenet5", image_problem(), {}), 1000); }),
      HasSubstr("give --model"));
}

}  // namespace
}  // namespace scalemix::compress
