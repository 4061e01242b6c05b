// The divergence of posteriors under shared scales, from its definition in plain loops: groups found
// index by index, coordinate updates of the closed forms written out here.
#pragma once

#include <cmath>
#include <map>
#include <numbers>
#include <string>
#include <vector>

#include "scalemix/base/word.h"
#include "scalemix/model/noise.h"

namespace scalemix::model {

class NaiveScales {
 public:
  NaiveScales(const Layer& layer, const Noise& noise, std::size_t weights)
      : noise_(noise), window_(weights / (layer.in * layer.out)) {
    for (std::size_t o = 0; o < layer.out; ++o) {
      for (std::size_t i = 0; i < layer.in; ++i) {
        for (std::size_t k = 0; k < window_; ++k) {
          const std::size_t e = (o * layer.in + i) * window_ + k;
          const std::map<std::string, std::size_t> group{
              {"row", i}, {"both", i}, {"filter", o}, {"matrix", 0}, {"weight", e}};
          members_[group.at(word("group"))].push_back(e);
        }
      }
    }
  }

  std::string word(const std::string& key) const {
    for (const Parameter& p : noise_kind(noise_.kind).parameters) {
      if (p.name == key) return value_text(p, setting(noise_, key));
    }
    return "";
  }

  const std::map<std::size_t, std::vector<std::size_t>>& members() const { return members_; }

  /// Of every weight, whether its group is on.
  std::vector<char> on(const std::vector<double>& w, const std::vector<double>& log_sigma2) const {
    std::vector<char> out(w.size());
    const double off = setting(noise_, "off");
    for (const auto& [g, members] : members_) {
      const bool is_on = moment(w, log_sigma2, members) >= off * off * double(members.size());
      for (const std::size_t e : members) out[e] = is_on;
    }
    return out;
  }

  double penalty(const std::vector<double>& w, const std::vector<double>& log_sigma2) const {
    double sum = 0;
    for (std::size_t e = 0; e < w.size(); ++e) {
      sum += std::log(setting(noise_, "sigma0")) - (log_sigma2[e] + 1) / 2;
    }
    std::vector<double> m;
    for (const auto& [g, members] : members_) m.push_back(moment(w, log_sigma2, members));
    const double d = double(w.size()) / double(m.size());
    const bool released = word("objective") == "released", both = word("group") == "both";
    std::vector<double> a(m.size(), 1);
    // The rows' scales where the layer's is t, and then the layer's own.
    const auto round = [&](double t) {
      double scaled = 0;
      for (std::size_t g = 0; g < m.size(); ++g) {
        a[g] = scale2(d, m[g] / t);
        scaled += m[g] / (released ? std::sqrt(a[g]) : a[g]);
      }
      return both ? scale2(d * double(m.size()), scaled) : 1;
    };
    double t = round(1);
    for (int k = 0; both && !released && k < 40; ++k) {  // Steffensen's iteration on log t
      const double x = std::log(t), f = std::log(round(t)), g = std::log(round(std::exp(f)));
      const double bend = g - 2 * f + x;
      t = std::exp(bend == 0 ? g : x - (f - x) * (f - x) / bend);
    }
    if (both && !released) t = round(t);
    for (std::size_t g = 0; g < m.size(); ++g) {
      sum += d / 2 * std::log(a[g] * t) + m[g] / (2 * a[g] * t);
      if (!released) sum += minus_log(a[g]);
    }
    return !released && both ? sum + minus_log(t) : sum;
  }

 private:
  /// Of sum E v^2 / sigma0^2.
  double moment(const std::vector<double>& w, const std::vector<double>& log_sigma2,
                const std::vector<std::size_t>& members) const {
    double sum = 0;
    for (const std::size_t e : members) sum += w[e] * w[e] + std::exp(log_sigma2[e]);
    return sum / setting(noise_, "sigma0") / setting(noise_, "sigma0");
  }
  double scale2(double d, double m) const {
    const double a = setting(noise_, "a"), b = setting(noise_, "b"), e = setting(noise_, "scale");
    if (word("hyper") == "inv_gamma") return (m + 2 * b) / (d + 2 * a + 2);
    if (word("hyper") == "log_uniform") return m / (d + 2);
    const double q = e * e;  // half_cauchy
    return (m - q * d + std::sqrt(m * m + (2 * d + 8) * q * m + q * q * d * d)) / (2 * d + 4);
  }
  double minus_log(double t) const {
    const double a = setting(noise_, "a"), b = setting(noise_, "b"), e = setting(noise_, "scale");
    if (word("hyper") == "inv_gamma") {
      return std::lgamma(a) - a * std::log(b) + (a + 1) * std::log(t) + b / t;
    }
    if (word("hyper") == "log_uniform") return std::log(t);
    return -std::log(2 / (std::numbers::pi * e)) + std::log1p(t / e / e);
  }

  const Noise& noise_;
  std::size_t window_;
  std::map<std::size_t, std::vector<std::size_t>> members_;
};

}  // namespace scalemix::model
