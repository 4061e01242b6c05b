# Install and export: find_package(scalemix COMPONENTS runtime core torch c) from the build tree and from a prefix.
# One export set for each component, so that `runtime` never names a library that only the others need.

include(CMakePackageConfigHelpers)

set(scalemix_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/scalemix")

# scalemix_export(COMPONENT target...): the export set of a component, for prefix and build tree.
function(scalemix_export component)
  install(TARGETS ${ARGN} EXPORT scalemix-${component}-targets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT ${component}
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT ${component})
  install(EXPORT scalemix-${component}-targets NAMESPACE scalemix::
    DESTINATION "${scalemix_cmake_dir}" COMPONENT ${component})
  export(EXPORT scalemix-${component}-targets NAMESPACE scalemix::
    FILE "${PROJECT_BINARY_DIR}/scalemix-${component}-targets.cmake")
endfunction()

# scalemix_headers(COMPONENT room...): a room's headers, in the folder they have here.
function(scalemix_headers component)
  foreach(room IN LISTS ARGN)
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/scalemix/${room}"
      DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/scalemix" COMPONENT ${component}
      FILES_MATCHING PATTERN "*.h" PATTERN "*.inc" PATTERN "pch.h" EXCLUDE)
  endforeach()
endfunction()

list(TRANSFORM scalemix_runtime_rooms PREPEND scalemix_ OUTPUT_VARIABLE scalemix_runtime_targets)
list(TRANSFORM scalemix_core_rooms PREPEND scalemix_ OUTPUT_VARIABLE scalemix_core_targets)
scalemix_export(runtime scalemix_flags ${scalemix_runtime_targets} scalemix_kernel_own scalemix_runtime_bundle)
scalemix_export(core ${scalemix_core_targets} scalemix_kernel_onednn scalemix_core_bundle)
scalemix_headers(runtime base random law kernel prior model engine predict)
scalemix_headers(core signal metric data optim train compress study run report)

set(scalemix_components runtime core)
if(SCALEMIX_TORCH)
  list(APPEND scalemix_components torch)
  # LibTorch's own target brings its headers to a consumer; the folder they have on this machine stays here.
  get_target_property(scalemix_libtorch_headers scalemix_libtorch INTERFACE_INCLUDE_DIRECTORIES)
  set_target_properties(scalemix_libtorch PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "$<BUILD_INTERFACE:${scalemix_libtorch_headers}>"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "$<BUILD_INTERFACE:${scalemix_libtorch_headers}>")
  get_directory_property(Torch_VERSION DIRECTORY scalemix/torch DEFINITION Torch_VERSION)
  scalemix_export(torch scalemix_libtorch scalemix_torch scalemix_torch_bundle)
  scalemix_headers(torch torch)
endif()
if(SCALEMIX_C)
  list(APPEND scalemix_components c)
  scalemix_export(c scalemix_c)
  scalemix_headers(c c)
  install(FILES "${PROJECT_BINARY_DIR}/c/installed/scalemix_c.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT c)
endif()
if(TARGET scalemix)
  install(TARGETS scalemix RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT cli)
endif()

configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/scalemix-config.cmake.in" "${PROJECT_BINARY_DIR}/scalemix-config.cmake"
  INSTALL_DESTINATION "${scalemix_cmake_dir}" NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a minor version may break what the one before promised.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/scalemix-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
configure_file("${PROJECT_SOURCE_DIR}/cmake/ScalemixDependencies.cmake"
  "${PROJECT_BINARY_DIR}/ScalemixDependencies.cmake" COPYONLY)
# The two that can be installed alone.
foreach(component IN ITEMS runtime c)
  install(FILES
    "${PROJECT_BINARY_DIR}/scalemix-config.cmake" "${PROJECT_BINARY_DIR}/scalemix-config-version.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/ScalemixDependencies.cmake"
    DESTINATION "${scalemix_cmake_dir}" COMPONENT ${component})
endforeach()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT runtime)
