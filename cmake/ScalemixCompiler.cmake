# Flags that every target of the project shares.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
# LibTorch and OpenBLAS may lie outside the folders the loader searches.
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)

find_program(SCALEMIX_CCACHE ccache)
if(SCALEMIX_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers and ccache live together only with this sloppiness. Paths below the source folder do not
  # count, so that presets and checkouts share what is the same in both.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      ${SCALEMIX_CCACHE})
endif()

add_library(scalemix_flags INTERFACE)
target_compile_options(scalemix_flags INTERFACE
  $<BUILD_INTERFACE:-Wall -Wextra>
  # GCC 12 warns of overlaps in its own std::string, falsely.
  $<BUILD_INTERFACE:$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>>
  # Noise is bit-equal on every CPU target only if no multiply-add is fused behind our back.
  -ffp-contract=off)
target_include_directories(scalemix_flags INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(scalemix_flags INTERFACE cxx_std_20)

if(SCALEMIX_SANITIZE)
  list(JOIN SCALEMIX_SANITIZE "," scalemix_sanitizers)
  target_compile_options(scalemix_flags INTERFACE -fsanitize=${scalemix_sanitizers} -fno-omit-frame-pointer -g1)
  target_link_options(scalemix_flags INTERFACE -fsanitize=${scalemix_sanitizers})
  # Two SIMD targets are enough to look for mistakes in, and each more takes minutes to compile.
  target_compile_definitions(scalemix_flags INTERFACE
    "HWY_DISABLED_TARGETS=(HWY_SSE4|HWY_AVX3|HWY_AVX3_DL)")
  if("thread" IN_LIST SCALEMIX_SANITIZE)
    # The sanitizer does not understand OpenMP's runtime; base/parallel.h has a second backend for it.
    target_compile_definitions(scalemix_flags INTERFACE SCALEMIX_PARALLEL_STD_THREAD)
  endif()
endif()
