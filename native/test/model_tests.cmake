# Tests of the model graph, adapters, training and generation.
foreach(name test_model test_trainer test_lora test_weights test_generator test_sampler)
  graft_test(${name} "${CMAKE_CURRENT_SOURCE_DIR}/test/${name}.cpp")
endforeach()

# The oracle cases, without a JVM: on the CPU, and with GRAFT_CUDA_LIBRARY on a GPU.
set(golden ${CMAKE_CURRENT_SOURCE_DIR}/../eval/src/test/resources/golden)
graft_test(golden_check "${CMAKE_CURRENT_SOURCE_DIR}/test/golden_check.cpp" ARGS ${golden}/llama_f32 ${golden}/llama_q8_0 ${golden}/llama_q4_k_m)
add_executable(bench_device "${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_device.cpp")
target_link_libraries(bench_device PRIVATE graft_core graft_options)
