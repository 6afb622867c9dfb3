// Package config turns the configuration file, the command line's options and
// the environment into one checked Config. It is in charge of the keys of
// config.example.yaml, their defaults and their bounds, of where the secrets
// come from, and of what a program may inherit from the daemon. It knows
// nothing of how the values are used.
//
// Reading is strict: an unknown key, a key given twice, a value of the wrong
// kind or out of bounds is an error that names the key, the line and the
// column. All mistakes of a file are reported at once.
//
// The token of Telegram is taken from the first of these that has one; that of
// Discord likewise, from DISCORD_TOKEN or DISCORD_BOT_TOKEN, discord_token,
// discord.token_file and discord.token:
//
//  1. the environment variable TELEGRAM_BOT_TOKEN, which is removed from the
//     environment as soon as it has been read
//  2. the systemd credential telegram_token ($CREDENTIALS_DIRECTORY)
//  3. the file named by telegram.token_file, which nobody else may read
//  4. telegram.token in the file itself
//
// A token is never taken from the command line, where every process of the
// machine could read it.
package config
