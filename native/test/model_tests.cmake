# Tests of the model graph, adapters, training and generation.
foreach(name test_model test_trainer test_lora test_weights test_generator test_sampler)
  graft_test(${name} "${CMAKE_CURRENT_SOURCE_DIR}/test/${name}.cpp")
endforeach()

# The oracle cases, without a JVM: on the CPU, and with GRAFT_CUDA_LIBRARY on a GPU.
set(golden ${CMAKE_CURRENT_SOURCE_DIR}/../eval/src/test/resources/golden)
graft_test(golden_check "${CMAKE_CURRENT_SOURCE_DIR}/test/golden_check.cpp" ARGS ${golden}/llama_f32 ${golden}/llama_q8_0 ${golden}/llama_q4_k_m)
add_executable(bench_device "${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_device.cpp")
target_link_libraries(bench_device PRIVATE graft_core graft_options)
# In bf16 on a GPU, beside the CPU.
add_executable(test_device_bf16 "${CMAKE_CURRENT_SOURCE_DIR}/test/test_device_bf16.cpp")
target_link_libraries(test_device_bf16 PRIVATE graft_core graft_options)

# The same on an emulated GPU (ggml-kernels/test/emulator), where the kernels were built with their tests: f32 with the CPU's tolerances, the oracle cases in bf16 too. STRICT: a
# tensor that the model code looks into is a crash.
set(emulated "${graft_kernels_DIR}/test/emulator/libgraft_cuda_emulated.so")
if(graft_kernels_DIR AND EXISTS "${emulated}")
  foreach(name test_trainer test_lora test_weights test_generator)
    add_test(NAME cuda_${name} COMMAND ${name})
    set_tests_properties(cuda_${name} PROPERTIES TIMEOUT 400 ENVIRONMENT "GRAFT_CUDA_LIBRARY=${emulated};GRAFT_TEST_DEVICE=cuda;GRAFT_CUDA_F32=1")
  endforeach()
  add_test(NAME cuda_golden COMMAND golden_check --device cuda --steps 2 ${golden}/llama_q4_k_m)
  set_tests_properties(cuda_golden PROPERTIES TIMEOUT 400 ENVIRONMENT "GRAFT_CUDA_LIBRARY=${emulated}")
  set_property(TEST cuda_test_lora APPEND PROPERTY ENVIRONMENT "GRAFT_EMULATOR_STRICT=1")
  add_test(NAME cuda_bf16 COMMAND test_device_bf16)
  set_tests_properties(cuda_bf16 PROPERTIES TIMEOUT 400 ENVIRONMENT "GRAFT_CUDA_LIBRARY=${emulated}")
  # Two streams and one give the same bits, whichever of the two is late.
  add_executable(test_device_streams "${CMAKE_CURRENT_SOURCE_DIR}/test/test_device_streams.cpp")
  target_link_libraries(test_device_streams PRIVATE graft_core graft_options)
  foreach(delay 1 2)
    add_test(NAME cuda_streams_${delay} COMMAND test_device_streams)
    set_tests_properties(cuda_streams_${delay} PROPERTIES TIMEOUT 600 ENVIRONMENT "GRAFT_CUDA_LIBRARY=${emulated};GRAFT_EMULATOR_DELAY=${delay};GRAFT_EMULATOR_MEMORY=805306368")
  endforeach()
endif()
