/* commands: one file cmd_*.c each, and one row of the table in main.c. run(argc, argv): argv[0] is the command's name; an enum exit_status.
 */
#ifndef DLNET_CLI_COMMANDS_H
#define DLNET_CLI_COMMANDS_H

#define DLNET_VERSION "0.1.0"

int cmd_train(int argc, char **argv);
int cmd_val(int argc, char **argv);
int cmd_predict(int argc, char **argv);
int cmd_detect(int argc, char **argv);
int cmd_lrfind(int argc, char **argv);
int cmd_data(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_sample(int argc, char **argv);
int cmd_augment(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_average(int argc, char **argv);
int cmd_help(int argc, char **argv);

/* Page of `dlnet help NAME`: "Usage: dlnet NAME …", what it does, options, examples. */
extern const char cmd_train_usage[];
extern const char cmd_val_usage[];
extern const char cmd_predict_usage[];
extern const char cmd_detect_usage[];
extern const char cmd_lrfind_usage[];
extern const char cmd_data_usage[];
extern const char cmd_info_usage[];
extern const char cmd_bench_usage[];
extern const char cmd_sample_usage[];
extern const char cmd_augment_usage[];
extern const char cmd_export_usage[];
extern const char cmd_average_usage[];
extern const char cmd_help_usage[];

/* The options that every command has, as the end of its page; printed by help. */
extern const char cli_common_usage[];

#endif
