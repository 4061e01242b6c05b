# Configures the bridge with a LibTorch that says it is 1.13, and expects the message that refuses it.
#
#   cmake -DSOURCE= -DWORK= -P old_torch.cmake

file(REMOVE_RECURSE "${WORK}")
file(WRITE "${WORK}/prefix/TorchConfig.cmake" "set(TORCH_LIBRARIES \"\")\nset(TORCH_INCLUDE_DIRS \"\")\n")
file(WRITE "${WORK}/prefix/TorchConfigVersion.cmake" "set(PACKAGE_VERSION 1.13.1)\n")
file(WRITE "${WORK}/source/CMakeLists.txt"
  "cmake_minimum_required(VERSION 3.25)\nproject(old LANGUAGES NONE)\nadd_subdirectory(${SOURCE}/scalemix/torch torch)\n")
execute_process(COMMAND ${CMAKE_COMMAND} -S "${WORK}/source" -B "${WORK}/build" "-DTorch_DIR=${WORK}/prefix"
  RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
string(REGEX REPLACE "[ \n]+" " " text "${text}")
if(status EQUAL 0 OR NOT text MATCHES "needs LibTorch 2.6 or later; [^ ]* holds 1.13.1")
  message(FATAL_ERROR "expected a LibTorch of 1.13.1 to be refused, got status ${status}:\n${text}")
endif()
