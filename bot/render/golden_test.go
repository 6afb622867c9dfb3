package render

import (
	"math/rand/v2"
	"strings"
	"testing"

	"chapi/bot"

	"github.com/google/go-cmp/cmp"
)

// The output of real programs on a terminal of 80 columns, shortened.
func TestPaperShowsRealPrograms(t *testing.T) {
	tests := []struct{ program, data, want string }{
		{
			"git clone",
			"Cloning into 'clone'...\r\n" +
				"remote: Enumerating objects: 302, done.\x1b[K\r\n" +
				"remote: Counting objects:   0% (1/302)\x1b[K\rremote: Counting objects:  50% (151/302)\x1b[K\rremote: Counting objects: 100% (302/302)\x1b[K\rremote: Counting objects: 100% (302/302), done.\x1b[K\r\n" +
				"remote: Compressing objects: 100% (301/301)\x1b[K\rremote: Compressing objects: 100% (301/301), done.\x1b[K\r\n" +
				"Receiving objects:   0% (1/302)\rReceiving objects:  62% (188/302), 420.00 KiB | 820.00 KiB/s\rReceiving objects: 100% (302/302), 683.12 KiB | 4.55 MiB/s, done.\r\n",
			"Cloning into 'clone'...\n" +
				"remote: Enumerating objects: 302, done.\n" +
				"remote: Counting objects: 100% (302/302), done.\n" +
				"remote: Compressing objects: 100% (301/301), done.\n" +
				"Receiving objects: 100% (302/302), 683.12 KiB | 4.55 MiB/s, done.\n",
		},
		{
			"apt install",
			"\rReading package lists... 0%\r\rReading package lists... 94%\r\rReading package lists... Done\r\r\n" +
				"\rBuilding dependency tree... 50%\r\rBuilding dependency tree... Done\r\r\n" +
				"\rReading state information... 0% \r\rReading state information... Done\r\r\n" +
				"0 upgraded, 1 newly installed, 0 to remove and 80 not upgraded.\r\n" +
				"\n\x1b7\x1b[0;23r\x1b8\x1b[1ASelecting previously unselected package hello.\r\n" +
				"\x1b7\x1b[24;0f\x1b[42m\x1b[30mProgress: [ 20%]\x1b[49m\x1b[39m [###........] \x1b8Unpacking hello (2.10-3) ...\r\n" +
				strings.Repeat("Setting up hello (2.10-3) ...\r\n\x1b7\x1b[24;0fProgress: [ 60%]\x1b8", 25) +
				"\x1b[33mN: \x1b[0mIgnoring file\r\n",
			"Reading package lists... Done\n" +
				"Building dependency tree... Done\n" +
				"Reading state information... Done\n" +
				"0 upgraded, 1 newly installed, 0 to remove and 80 not upgraded.\n" +
				"Selecting previously unselected package hello.\nUnpacking hello (2.10-3) ...\n" +
				strings.Repeat("Setting up hello (2.10-3) ...\n", 25) +
				"N: Ignoring file\n",
		},
		{
			"curl",
			"  % Total    % Received % Xferd  Average Speed\r\n                                 Dload  Upload\r\n" +
				"\r  0     0    0     0    0     0      0      0\r 12 2929k   12  375k    0     0  2038k      0\r100 2929k  100 2929k    0     0  15.4M      0\r\n",
			"  % Total    % Received % Xferd  Average Speed\n                                 Dload  Upload\n" +
				"100 2929k  100 2929k    0     0  15.4M      0\n",
		},
		{
			"curl with a bar",
			"\r#=#=#                                        \r##O#-#                                       \r##########                      33.1%\r######################################## 100.0%\r\n",
			"######################################## 100.0%\n",
		},
		{
			"wget",
			"Saving to: ‘photo.bin’\r\n\r\n" +
				"\rphoto.bin             0%[                    ]       0  --.-KB/s               \rphoto.bin            56%[==========>         ]   1.62M  2.00MB/s               \rphoto.bin           100%[===================>]   2.86M  2.02MB/s    in 1.4s    \r\n\r\n",
			"Saving to: ‘photo.bin’\n\nphoto.bin           100%[===================>]   2.86M  2.02MB/s    in 1.4s\n\n",
		},
		{
			"npm install",
			"\x1b[1mnpm\x1b[22m \x1b[33mwarn\x1b[39m \x1b[94mold lockfile\x1b[39m\r\n⠙\x1b[1G\x1b[0K⠹\x1b[1G\x1b[0K⠸\x1b[1G\x1b[0K\r\nadded 1 package in 936ms\r\n⠹\x1b[1G\x1b[0K",
			"npm warn old lockfile\n\nadded 1 package in 936ms\n",
		},
		{
			"cargo build",
			"\x1b[1m\x1b[92m   Compiling\x1b[0m hello v0.1.0 (/home/pi/hello)\r\n" +
				"\x1b[1m\x1b[96m    Building\x1b[0m [                             ] 0/1: hello(bin)                  \r\x1b[K" +
				"\x1b[1m\x1b[92m    Finished\x1b[0m `dev` profile [unoptimized + debuginfo] target(s) in 1.26s\r\n",
			"   Compiling hello v0.1.0 (/home/pi/hello)\n    Finished `dev` profile [unoptimized + debuginfo] target(s) in 1.26s\n",
		},
		{
			"pip install",
			"Processing ./pkg\r\n  Preparing metadata (pyproject.toml) ... \x1b[?25l-\b \b\\\b \b|\b \bdone\r\n" +
				"   \x1b[38;5;237m━━━━━━━━━━━━━━━━━━━━\x1b[0m \x1b[32m0.0/2.9 MB\x1b[0m \x1b[31m?\x1b[0m eta \x1b[36m-:--:--\x1b[0m" +
				"\r\x1b[2K   \x1b[38;2;249;38;114m━━━━━━━━━━━━━━━━━━━━\x1b[0m \x1b[32m2.9/2.9 MB\x1b[0m \x1b[31m5.1 MB/s\x1b[0m eta \x1b[36m0:00:00\x1b[0m\r\n\x1b[?25h",
			"Processing ./pkg\n  Preparing metadata (pyproject.toml) ... done\n   ━━━━━━━━━━━━━━━━━━━━ 2.9/2.9 MB 5.1 MB/s eta 0:00:00\n",
		},
		{
			"docker pull",
			"latest: Pulling from library/alpine\r\n\r\n\x1b[1A\x1b[2K\r4abcf2066143: Pulling fs layer \r\x1b[1B\r\n\x1b[1A\x1b[2K\r5bdf2066143a: Waiting \r\x1b[1B" +
				"\x1b[2A\x1b[2K\r4abcf2066143: Downloading [==>    ]  1.2MB/3.4MB\r\x1b[2B\x1b[1A\x1b[2K\r5bdf2066143a: Pull complete \r\x1b[1B\x1b[2A\x1b[2K\r4abcf2066143: Pull complete \r\x1b[2BStatus: Downloaded\r\n",
			"latest: Pulling from library/alpine\n4abcf2066143: Pull complete\n5bdf2066143a: Pull complete\nStatus: Downloaded\n",
		},
		{
			"ls --color",
			"drwxr-xr-x 3 pi pi    4096 Nov 21 12:25 \x1b[0m\x1b[01;34m.\x1b[0m\r\n-rw-r--r-- 1 pi pi       0 Nov 21 12:25 grün.txt\r\nlrwxrwxrwx 1 pi pi       9 Nov 21 12:25 \x1b[01;36mlink\x1b[0m -> readme.md\r\n",
			"drwxr-xr-x 3 pi pi    4096 Nov 21 12:25 .\n-rw-r--r-- 1 pi pi       0 Nov 21 12:25 grün.txt\nlrwxrwxrwx 1 pi pi       9 Nov 21 12:25 link -> readme.md\n",
		},
		{
			"grep --color",
			"\x1b[32m\x1b[K1\x1b[m\x1b[K\x1b[36m\x1b[K:\x1b[m\x1b[K\x1b[01;31m\x1b[Kroot\x1b[m\x1b[K:x:0:0:\x1b[01;31m\x1b[Kroot\x1b[m\x1b[K:/\x1b[01;31m\x1b[Kroot\x1b[m\x1b[K:/bin/bash\r\n",
			"1:root:x:0:0:root:/root:/bin/bash\n",
		},
		{
			"man",
			"N\bNA\bAM\bME\bE\r\n       true - do nothing, successfully\r\n\r\nS\bSY\bYN\bN\r\n       t\btr\bru\bue\be [_\bi_\bg_\bn_\bo_\br_\be_\bd]\r\n",
			"NAME\n       true - do nothing, successfully\n\nSYN\n       true [ignored]\n",
		},
		{
			"a table of tabs",
			"PID\tUSER\tCOMMAND\n1\troot\tinit\n4711\tpi\tchapi run\n",
			"PID     USER    COMMAND\n1       root    init\n4711    pi      chapi run\n",
		},
		{
			"a shell's prompt and line editing",
			"\x1b[?2004h\x1b]0;pi@box: ~\x07\x1b[01;32mpi@box\x1b[00m:\x1b[01;34m~\x1b[00m$ ecko\b\bho hi\b\b\b\b\b\b\becho hi\r\n\x1b[?2004l\rhi\r\n\x1b[?2004h$ ls fil\x07e.txt \b\x1b[K\r\n",
			"pi@box:~$ echo hi\nhi\n$ ls file.txt\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.program, func(t *testing.T) {
			chunks := []bot.Chunk{out(0, tt.data)}
			if diff := cmp.Diff(tt.want, shown(chunks...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, shown(split(chunks, rand.New(rand.NewPCG(5, 5)))...)); diff != "" {
				t.Errorf("split (-want +got):\n%s", diff)
			}
		})
	}
}
