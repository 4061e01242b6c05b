// Nalisnick, Anandkumar & Smyth (2015) hold pruned networks against a smaller network that learned soft
// targets from a teacher. Their numbers are not at hand, so two questions are put, with a teacher for each
// seed, at several numbers of weights: does a teacher help the student, and is the student better than the
// teacher pruned to as many weights, by magnitude or by the posterior's second moment? A student is trained;
// the pruned network of the paper is not trained again, so that one that is stands beside it.

#include <fmt/format.h>

#include <iterator>
#include <memory>

#include "scalemix/cli/reproduce/training/contest.h"
#include "scalemix/compress/prune.h"
#include "scalemix/compress/student.h"
#include "scalemix/data/rows.h"
#include "scalemix/predict/evaluate.h"
#include "scalemix/predict/sparsity.h"
#include "scalemix/run/plan.h"
#include "scalemix/run/progress.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

constexpr double kTemperatures[] = {2, 5, 10};
constexpr std::size_t kChosen = 1;  // the temperature of the second question, chosen beforehand
constexpr double kHard = 0.1;       // share of the labels in what a student learns

/// Ways to a small network, in the order of the errors.
enum Way : std::size_t {
  kAlone,  // a student without a teacher
  kTaught,
  kMagnitude = kTaught + std::size(kTemperatures),  // the teacher, pruned
  kGsm,
  kTuned,  // by magnitude, and trained again with its zeros kept
  kWays
};

std::string label(std::size_t way) {
  if (way == kAlone) return "student, no teacher";
  if (way == kMagnitude) return "pruned by magnitude";
  if (way == kGsm) return "pruned by gsm (Laplace)";
  if (way == kTuned) return "pruned by magnitude, trained again";
  return fmt::format("student, T = {:g}", kTemperatures[way - kTaught]);
}

/// What all seeds share.
struct Setting {
  run::TrainConfig student, teacher;  // for the same number of epochs
  data::Dataset data;
  data::LabelledRows train, test;
  std::vector<double> points;  // shares of the teacher's weights at zero
  std::size_t laplace_rows = 0;
};

/// Errors (ways) of one seed, and how many weights the pruned network and the student have.
struct Point {
  std::vector<double> error = std::vector<double>(kWays);
  std::size_t pruned = 0, student = 0;
};

std::size_t weights_left(const model::Model& model) {
  std::size_t out = 0;
  for (const predict::LayerSparsity& layer : predict::sparsity(model)) out += layer.nonzero;
  return out;
}

double error_of(const model::Model& model, const Setting& task) {
  return predict::error_of(predict::Predictor(model), task.test);
}

/// All ways from one teacher.
class Rivals {
 public:
  Rivals(const Setting& task, const model::Model& teacher, std::uint64_t seed)
      : task_(task),
        teacher_(teacher),
        seed_(seed),
        soft_(task.data),
        magnitude_(teacher, compress::weights_of(teacher), {}),
        gsm_(teacher, laplace(), {.rule = "gsm"}) {
    const predict::Predictor predictor(teacher);
    run::ask({&predictor}, word(kTemperatures[kChosen]), seed, soft_);
  }

  Point at(double share) const {
    Point out;
    const model::Model pruned = magnitude_.at_sparsity(share);
    out.pruned = weights_left(pruned);
    out.error[kMagnitude] = error_of(pruned, task_);
    out.error[kGsm] = error_of(gsm_.at_sparsity(share), task_);
    run::TrainConfig config = seeded(task_.teacher);
    config.prune = "fixed";
    config.from = std::make_shared<const model::Model>(pruned);
    out.error[kTuned] = hold(config, task_.data).error.front();
    config = seeded(task_.student);
    config.model = compress::student_of(teacher_.spec, out.pruned);
    const Scores alone = hold(config, task_.data);
    out.student = weights_left(alone.models.front());
    out.error[kAlone] = alone.error.front();
    for (std::size_t t = 0; t < std::size(kTemperatures); ++t) {
      config.objective = word(kTemperatures[t]);
      out.error[kTaught + t] = hold(config, soft_).error.front();
    }
    return out;
  }

 private:
  static std::string word(double temperature) {
    return fmt::format("distil:temperature={:g},hard={:g}", temperature, kHard);
  }
  run::TrainConfig seeded(run::TrainConfig config) const {
    config.seed = seed_;
    config.seeds = 1;
    return config;
  }
  compress::Moments laplace() const {
    const std::size_t rows = std::min(task_.train.rows, task_.laplace_rows),
                      width = task_.train.x.size() / task_.train.rows;
    return compress::laplace_moments(teacher_, std::span(task_.train.x).first(rows * width), rows,
                                     {.training_rows = task_.train.rows, .seed = seed_});
  }

  const Setting& task_;
  const model::Model& teacher_;
  std::uint64_t seed_;
  data::Dataset soft_;  // with the teacher's answers
  compress::Pruner magnitude_, gsm_;
};

/// Errors of a way over the seeds.
std::vector<double> over_seeds(const std::vector<Point>& seeds, std::size_t way) {
  std::vector<double> out;
  for (const Point& of : seeds) out.push_back(of.error[way]);
  return out;
}

std::string size_of(const Point& point) {
  return point.student == point.pruned
             ? fmt::format("{} weights", point.pruned)
             : fmt::format("{} weights (student {})", point.pruned, point.student);
}

/// points: (points, seeds).
void add_answers(const std::vector<std::vector<Point>>& points, Result& result) {
  std::vector<Compared> helps, better;
  report::Panel panel{"as many weights, several ways", {"weights left", true}, {"test error"}};
  for (std::size_t way = 0; way < kWays; ++way) {
    report::Series series{label(way), {}, {}, {}, report::Style::both};
    for (const std::vector<Point>& seeds : points) {
      const Mean mean = mean_of(over_seeds(seeds, way));
      series.x.push_back(static_cast<double>(seeds.front().pruned));
      series.y.push_back(mean.value);
      series.error.push_back(mean.error);
      result.rows.push_back({fmt::format("{}: {}, test error", size_of(seeds.front()), label(way)),
                             mean.value, mean.error});
    }
    panel.series.push_back(std::move(series));
  }
  for (const std::vector<Point>& seeds : points) {
    const std::string size = size_of(seeds.front());
    for (std::size_t t = 0; t < std::size(kTemperatures); ++t) {
      helps.push_back({fmt::format("{}: the student errs less with a teacher, T = {:g}", size,
                                   kTemperatures[t]),
                       over_seeds(seeds, kTaught + t), over_seeds(seeds, kAlone)});
    }
    for (std::size_t way = kMagnitude; way < kWays; ++way) {
      better.push_back({fmt::format("{}: the student, T = {:g}, errs less than the teacher {}",
                                    size, kTemperatures[kChosen], label(way)),
                        over_seeds(seeds, kTaught + kChosen), over_seeds(seeds, way)});
    }
  }
  for (const std::vector<Compared>* question : {&helps, &better}) {
    for (Claim& claim : smaller_claims(*question)) result.claims.push_back(std::move(claim));
  }
  result.figure.panels.push_back(std::move(panel));
}

}  // namespace

Result soft_targets(const Effort& effort) {
  Setting task;
  task.student = contest_base(effort, "", effort.pick(5, 20, 60));
  task.student.method = {"none"};
  task.teacher = task.student;
  task.teacher.model = effort.pick<const char*>("mlp:20", "mlp:400-400", "mlp:400-400");
  task.teacher.method = {"bernoulli:p=0.5,input=0.2"};
  task.points = effort.pick<std::vector<double>>({0.48, 0.88}, {0.8, 0.9, 0.95, 0.98},
                                                 {0.5, 0.7, 0.8, 0.9, 0.95, 0.98});
  task.laplace_rows = effort.pick<std::size_t>(50, 1000, 5000);
  task.data = used_rows(contest_data("mnist", effort.pick<std::size_t>(300, 5000, 60000),
                                     effort.pick<std::size_t>(500, 10000, 10000)));
  task.train = data::rows_of(task.data, task.data.splits[0].train);
  task.test = data::rows_of(task.data, task.data.splits[0].test);
  Result result;
  const Scores teachers =
      hold_all({{"teacher", task.teacher}}, task.data, "mnist", effort, result).front();
  std::vector<std::vector<Point>> points(task.points.size());
  run::Progress progress("student", teachers.models.size() * points.size(), effort.quiet);
  std::size_t done = 0;
  for (std::size_t k = 0; k < teachers.models.size(); ++k) {
    const Rivals rivals(task, teachers.models[k], effort.seed + k);
    for (std::size_t i = 0; i < points.size(); ++i) {
      points[i].push_back(rivals.at(task.points[i]));
      progress.update(static_cast<double>(++done), fmt::format("seed {}", effort.seed + k));
    }
  }
  progress.finish(static_cast<double>(done), "");
  add_answers(points, result);
  result.figure.title = "a student of soft targets beside the pruned teacher";
  result.notes = {
      fmt::format("teacher {} with {}, {} rows of {}, Adam 0.001, {} epochs, a teacher and its "
                  "students for each seed; students have its layers, narrower, and no noise; {:g} "
                  "of the labels",
                  task.teacher.model, task.teacher.method.front(), task.train.rows, task.data.name,
                  task.teacher.epochs, kHard),
      "paired t tests over seeds, Holm's correction over the claims of each question; "
      "'trained again': as many epochs more, its zeros kept",
      "the paper's numbers are not at hand"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
