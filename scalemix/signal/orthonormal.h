// Random matrices with orthonormal rows or columns.
#pragma once

#include <cstddef>

namespace scalemix::inline v0::signal {

/// g (rows, columns) of independent normal numbers becomes a matrix with orthonormal rows (columns,
/// if there are more rows), uniformly distributed: Q of its QR factorisation, signs fixed by R's
/// diagonal (Mezzadri 2007).
void orthonormalise(std::size_t rows, std::size_t columns, double* g);

}  // namespace scalemix::inline v0::signal
