// Lifetimes of everything a program needs, and their places.
//
// Time runs forward over the instructions 0 ... n - 1, stands at n for the loss, goes back from n + 1
// (instruction n - 1) to 2 n (instruction 0), and ends with the update at 2 n + 1. A value lives from the instruction
// that makes it to its last reader; a gradient from its value's last reader back to its maker.

#include <algorithm>
#include <numeric>

#include "scalemix/engine/memory.h"
#include "scalemix/engine/program.h"

namespace scalemix::inline v0::engine {

class Schedule::Planner {
 public:
  Planner(const Program& program, std::size_t rows, std::size_t first_again)
      : p_(program),
        instructions_(program.instructions()),
        rows_(rows),
        again_(first_again),
        n_(instructions_.size()) {}

  void run(Schedule& out) {
    find_values();
    share_values();
    if (p_.train()) find_gradients();
    place_values(out);
    place_gradients(out);
    place_instructions(out);
    const Placement placed = place(lives_);
    out.floats_ = placed.floats;
    for (auto* list : {&out.value_, &out.gradient_, &out.kept_, &out.scratch_, &out.scratch_back_,
                       &out.d_prepared_, &out.sum_}) {
      for (std::size_t& item : *list) {
        if (item != kNone) item = placed.at[item];
      }
    }
  }

 private:
  struct Life {
    std::size_t from = 0, to = 0;
    std::vector<std::size_t> readers;  // instructions, in order
  };

  std::size_t back(std::size_t instruction) const { return 2 * n_ - instruction; }
  std::size_t end() const { return 2 * n_ + 1; }

  void find_values() {
    values_.resize(p_.widths().size());
    const auto reads = [&](std::size_t v, std::size_t time) {
      values_[v].to = std::max(values_[v].to, time);
    };
    for (std::size_t i = 0; i < n_; ++i) {
      const Instruction& s = instructions_[i];
      values_[s.y].from = i;
      for (const std::size_t v : {s.x, s.other}) {
        if (v == kNone) continue;
        values_[v].readers.push_back(i);
        // What is run again reads what came before it again.
        reads(v, i >= again_ && values_[v].from < again_ ? end() : i);
        if (v == 0 && i >= again_) reads(v, end());
      }
      if (!p_.train()) continue;
      if (s.node->reads_input()) reads(s.x, back(i));
      if (s.node->reads_output()) reads(s.y, back(i));
    }
    values_.back().to = std::max(values_.back().to, n_);
  }

  /// An instruction in place writes where its input lies: allowed if nobody reads that later.
  void share_values() {
    home_.resize(values_.size());
    std::iota(home_.begin(), home_.end(), std::size_t{0});
    for (std::size_t i = 0; i < n_; ++i) {
      const Instruction& s = instructions_[i];
      if (!s.node->in_place(p_.train())) continue;
      const std::size_t home = home_[s.x];
      // Its own backward, in place, reads y for x.
      const bool free = last_read(home, i) < i && s.other != s.x;
      if (!free) continue;
      home_[s.y] = home;
    }
  }

  /// The last time at which somebody but instruction i, forward or backward, reads what lies at `home`.
  std::size_t last_read(std::size_t home, std::size_t i) const {
    std::size_t last = 0;
    for (std::size_t v = 0; v < values_.size(); ++v) {
      if (home_[v] != home || values_[v].from > i) continue;
      if (v == instructions_[i].y) continue;
      for (const std::size_t r : values_[v].readers) {
        if (r == i) continue;
        last = std::max(last, r);
        if (p_.train() && instructions_[r].node->reads_input() && instructions_[r].x == v) {
          last = std::max(last, back(r));
        }
      }
      const std::size_t maker = maker_of(v);
      if (p_.train() && maker != kNone && instructions_[maker].node->reads_output()) {
        last = std::max(last, back(maker));
      }
      if (values_[v].to == end()) last = end();
    }
    return last;
  }

  std::size_t maker_of(std::size_t v) const { return v == 0 ? kNone : values_[v].from; }

  /// A value has a gradient if something that made it is trained.
  void find_gradients() {
    wanted_.assign(values_.size(), false);
    for (const Instruction& s : instructions_) {
      const bool before = wanted_[s.x] || (s.other != kNone && wanted_[s.other]);
      wanted_[s.y] = before || s.node->trained();
    }
  }

  std::size_t add(std::size_t floats, std::size_t from, std::size_t to) {
    lives_.push_back({floats, from, to});
    return lives_.size() - 1;
  }

  void place_values(Schedule& out) {
    out.value_.assign(values_.size(), kNone);
    for (std::size_t home = 0; home < values_.size(); ++home) {
      if (home_[home] != home) continue;
      Lifetime life{0, values_[home].from, 0};
      for (std::size_t v = 0; v < values_.size(); ++v) {
        if (home_[v] != home) continue;
        life.floats = std::max(life.floats, rows_ * p_.widths()[v]);
        life.to = std::max(life.to, values_[v].to);
      }
      // The next batch is gathered into the input during the update.
      if (home == 0 && p_.train()) life = {life.floats, 0, end()};
      const std::size_t item = add(life.floats, life.from, life.to);
      for (std::size_t v = 0; v < values_.size(); ++v) {
        if (home_[v] == home) out.value_[v] = item;
      }
    }
  }

  void place_gradients(Schedule& out) {
    out.gradient_.assign(values_.size(), kNone);
    out.sum_.assign(n_, kNone);
    if (!p_.train()) return;
    // From the output back, so that an instruction in place finds where its dy lies.
    for (std::size_t v = values_.size(); v-- > 0;) {
      if (!wanted_[v] || out.gradient_[v] != kNone) continue;
      const std::size_t last = values_[v].readers.empty() ? n_ : values_[v].readers.back();
      const std::size_t from = values_[v].readers.empty() ? n_ : back(last);
      std::size_t top = v, floats = rows_ * p_.widths()[v];
      std::vector<std::size_t> chain{v};
      // dx lies where dy does while instructions are in place and have x to themselves.
      while (true) {
        const Instruction& s = instructions_[maker_of(top)];
        const bool shared =
            s.node->gradient_in_place() && wanted_[s.x] && values_[s.x].readers.size() == 1;
        if (!shared) break;
        top = s.x;
        chain.push_back(top);
        floats = std::max(floats, rows_ * p_.widths()[top]);
      }
      const std::size_t item = add(floats, from, back(maker_of(top)));
      for (const std::size_t c : chain) out.gradient_[c] = item;
    }
    // What the loss gives has a place even if nothing is trained.
    if (out.gradient_.back() == kNone) {
      out.gradient_.back() = add(rows_ * p_.widths().back(), n_, n_ + 1);
    }
    place_sums(out);
  }

  /// Of a value with several readers the last one writes the gradient, the others add to it.
  void place_sums(Schedule& out) {
    out.side_adds_.assign(n_, false);
    for (std::size_t i = 0; i < n_; ++i) {
      const Instruction& s = instructions_[i];
      out.side_adds_[i] =
          s.other != kNone && (values_[s.other].readers.back() != i || s.other == s.x);
      if (!wanted_[s.x] || values_[s.x].readers.back() == i) continue;
      out.sum_[i] = add(rows_ * p_.widths()[s.x], back(i), back(i));
    }
  }

  void place_instructions(Schedule& out) {
    for (std::size_t i = 0; i < n_; ++i) {
      const Node& node = *instructions_[i].node;
      const std::size_t kept = p_.train() ? node.kept(rows_) : 0;
      out.kept_.push_back(kept ? add(kept, i, back(i)) : kNone);
      out.scratch_.push_back(add(node.scratch(rows_, false), i, i));
      out.scratch_back_.push_back(p_.train() ? add(node.scratch(rows_, true), back(i), back(i))
                                             : kNone);
      const Decoration* noise = instructions_[i].noise;
      const std::size_t d = p_.train() && noise ? noise->d_prepared() : 0;
      out.d_prepared_.push_back(d ? add(d, back(i), end()) : kNone);
    }
  }

  const Program& p_;
  const std::vector<Instruction>& instructions_;
  std::size_t rows_, again_, n_;
  std::vector<Life> values_;
  std::vector<std::size_t> home_;  // of each value: the one whose memory it has
  std::vector<bool> wanted_;
  std::vector<Lifetime> lives_;
};

Schedule::Schedule(const Program& program, std::size_t rows, std::size_t first_again)
    : rows_(rows) {
  Planner(program, rows, first_again).run(*this);
}

}  // namespace scalemix::inline v0::engine
