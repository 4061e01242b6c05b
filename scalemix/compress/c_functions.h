// The functions in C that an exported model calls, each written where a step needs it (export_c.cc).
#pragma once

namespace scalemix::inline v0::compress {

inline constexpr const char* kProduct =
    "static void product(const float *x, const float *w, const float *b, float *y, int in, int out) {\n"
    "  for (int o = 0; o < out; ++o) {\n    float sum = b[o];\n"
    "    for (int i = 0; i < in; ++i) sum += w[o * in + i] * x[i];\n    y[o] = sum;\n  }\n}\n";
inline constexpr const char* kSparse =
    "static void sparse(const float *x, const float *w, const unsigned int *start, const unsigned int *column,\n"
    "                   const float *b, float *y, int out) {\n"
    "  for (int o = 0; o < out; ++o) {\n    float sum = b[o];\n"
    "    for (unsigned int k = start[o]; k < start[o + 1]; ++k) sum += w[k] * x[column[k]];\n"
    "    y[o] = sum;\n  }\n}\n";
inline constexpr const char* kConv =
    "static void conv(const float *x, const float *w, const float *b, float *y, int c, int h, int wide, int o,\n"
    "                 int out_h, int out_w, int kernel, int stride, int padding) {\n"
    "  for (int k = 0; k < o; ++k)\n    for (int i = 0; i < out_h; ++i)\n      for (int j = 0; j < out_w; ++j) {\n"
    "        float sum = b[k];\n        for (int m = 0; m < c; ++m)\n"
    "          for (int u = 0; u < kernel; ++u) {\n            const int r = i * stride + u - padding;\n"
    "            if (r < 0 || r >= h) continue;\n            for (int v = 0; v < kernel; ++v) {\n"
    "              const int s = j * stride + v - padding;\n              if (s < 0 || s >= wide) continue;\n"
    "              sum += w[((k * c + m) * kernel + u) * kernel + v] * x[(m * h + r) * wide + s];\n"
    "            }\n          }\n        y[(k * out_h + i) * out_w + j] = sum;\n      }\n}\n";
inline constexpr const char* kScale =
    "static void scale(const float *x, const float *w, const float *b, float *y, int columns, int inner) {\n"
    "  for (int c = 0; c < columns; ++c)\n    for (int i = c * inner; i < (c + 1) * inner; ++i) y[i] = w[c] * x[i] + b[c];\n}\n";
inline constexpr const char* kPool =
    "static void pool(const float *x, float *y, int c, int h, int w, int out_h, int out_w, int kernel, int stride,\n"
    "                 int padding, int largest) {\n"
    "  for (int k = 0; k < c; ++k)\n    for (int i = 0; i < out_h; ++i)\n      for (int j = 0; j < out_w; ++j) {\n"
    "        float most = -INFINITY, sum = 0;\n        for (int u = 0; u < kernel; ++u)\n"
    "          for (int v = 0; v < kernel; ++v) {\n"
    "            const int r = i * stride + u - padding, s = j * stride + v - padding;\n"
    "            if (r < 0 || r >= h || s < 0 || s >= w) continue;\n"
    "            const float value = x[(k * h + r) * w + s];\n            sum += value;\n"
    "            if (value > most || value != value) most = value;\n          }\n"
    "        y[(k * out_h + i) * out_w + j] = largest ? most : sum / (float)(kernel * kernel);\n      }\n}\n";
inline constexpr const char* kPlane =
    "static void plane(const float *x, float *y, int c, int inner, int largest) {\n"
    "  for (int k = 0; k < c; ++k) {\n    float most = -INFINITY;\n    double sum = 0;\n"
    "    for (int i = 0; i < inner; ++i) {\n      const float value = x[k * inner + i];\n      sum += value;\n"
    "      if (value > most || value != value) most = value;\n    }\n"
    "    y[k] = largest ? most : (float)(sum / inner);\n  }\n}\n";
inline constexpr const char* kRowNorm =
    "static void row_norm(const float *x, const float *w, const float *b, float *y, int n, double eps) {\n"
    "  double mean = 0, var = 0;\n  for (int i = 0; i < n; ++i) mean += x[i] / (double)n;\n"
    "  for (int i = 0; i < n; ++i) var += (x[i] - mean) * (x[i] - mean) / n;\n"
    "  for (int i = 0; i < n; ++i) y[i] = (float)((x[i] - mean) / sqrt(var + eps) * w[i] + b[i]);\n}\n";
inline constexpr const char* kAdd =
    "static void add(const float *a, const float *b, float *y, int n) {\n  for (int i = 0; i < n; ++i) y[i] = a[i] + b[i];\n}\n";
inline constexpr const char* kSoftmax =
    "static void softmax(const float *x, float *y, int n, double temperature) {\n"
    "  float most = x[0];\n  double sum = 0;\n  for (int i = 1; i < n; ++i) most = x[i] > most ? x[i] : most;\n"
    "  for (int i = 0; i < n; ++i) sum += exp((x[i] - most) / temperature);\n"
    "  for (int i = 0; i < n; ++i) y[i] = (float)(exp((x[i] - most) / temperature) / sum);\n}\n";

}  // namespace scalemix::inline v0::compress
