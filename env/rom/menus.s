; Title and options: the two screens before a game.
.include "ram.inc"
.include "routines.inc"

DEMO_WRAPS = 8
MENU_REPEAT_FRAMES = 7

.segment "CODE"

; --- mode 0 ----------------------------------------------------------------------------
.proc title
  lda screen_drawn
  cmp #SCREEN_TITLE
  beq @shown
  lda #SCREEN_TITLE
  jsr load_screen
  lda #0
  sta attract                   ; with mode 0: the sign that the machine is ready
  lda #DEMO_WRAPS
  sta countdown
@shown:
  jsr title_buttons
  jmp await_demo
.endproc

; After eight wraps of the frame counter the machine plays by itself.
.proc await_demo
  lda mode                      ; START was just pressed
  ora frame_counter
  bne @done
  dec countdown
  bne @done
  lda #ATTRACT_DEMO
  sta attract
  lda #MODE_OPTIONS
  sta mode
@done:
  rts
.endproc

.proc title_buttons
  lda p1_pressed
  cmp #BTN_SELECT
  beq @toggle
  cmp #BTN_UP
  beq @one
  cmp #BTN_DOWN
  beq @two
  cmp #BTN_START
  bne @done
  lda #0
  sta option_row
  lda #MODE_OPTIONS
  sta mode
@done:
  rts
@toggle:
  jmp next_kind_of_game
@one:
  lda #1
  sta players
  rts
@two:
  lda #2
  sta players
  rts
.endproc

; Select: one player, two, against the machine, one ...
.proc next_kind_of_game
  lda players
  cmp #2
  beq @two
  lda #2
  sta players
  lda #0
  sta vs_cpu
  rts
@two:
  lda vs_cpu
  bne :+
  inc vs_cpu
  rts
: lda #1
  sta players
  lda #0
  sta vs_cpu
  rts
.endproc

; --- mode 1 ----------------------------------------------------------------------------
; The generator steps once per frame here: how long one looks at the options picks the game.
; What is chosen outlives a reset from the moment it is chosen.
.proc options
  lda attract
  beq :+
  jmp begin_demo
: lda screen_drawn
  cmp #SCREEN_OPTIONS
  beq @shown
  lda #SCREEN_OPTIONS
  jsr load_screen
@shown:
  jsr rng_step
  jsr option_buttons
  ldx #0
  jsr change_option
  jsr two_play
  bcc :+
  ldx #1
  jsr change_option
: jmp save_options
.endproc

.proc option_buttons
  lda p1_pressed
  cmp #BTN_START
  beq @start
  cmp #BTN_B
  beq @back
  cmp #BTN_DOWN
  beq @down
  cmp #BTN_UP
  bne @done
  lda option_row
  beq @done
  dec option_row
  rts
@down:
  lda option_row
  cmp #2
  bcs @done
  inc option_row
@done:
  rts
@back:
  lda #MODE_TITLE
  sta mode
  rts
@start:
  lda #MODE_BUILD
  sta mode
  rts
.endproc

.proc save_options
  lda P1 + O_LEVEL
  sta saved_level
  lda P2 + O_LEVEL
  sta saved_level + 1
  lda P1 + O_SPEED
  sta saved_speed
  lda P2 + O_SPEED
  sta saved_speed + 1
  rts
.endproc

; X = player 0/1.  A tap steps once, holding steps again every seventh frame.
.proc change_option
  lda p1_pressed, x
  cmp #BTN_LEFT
  beq @tap
  cmp #BTN_RIGHT
  beq @tap
  lda p1_held, x
  cmp #BTN_LEFT
  beq @hold
  cmp #BTN_RIGHT
  beq @hold
  rts
@hold:
  inc menu_repeat, x
  ldy menu_repeat, x
  cpy #MENU_REPEAT_FRAMES
  bcs @tap
  rts
@tap:
  ldy #0
  sty menu_repeat, x
  ldy #1                        ; Y = the step
  cmp #BTN_RIGHT
  beq :+
  ldy #$FF
: sty t0
  lda option_row
  beq change_level
  cmp #1
  beq change_speed
  ; fall through: the music row is player 1's
.endproc

.proc change_music
  cpx #0
  bne @done
  lda music
  clc
  adc t0
  cmp #3
  bcs @done
  sta music
@done:
  rts
.endproc

.proc change_level
  ldy block_offset, x
  lda P1 + O_LEVEL, y
  clc
  adc t0
  cmp #TOP_LEVEL + 1
  bcs @done
  sta P1 + O_LEVEL, y
@done:
  rts
.endproc

.proc change_speed
  ldy block_offset, x
  lda P1 + O_SPEED, y
  clc
  adc t0
  cmp #3
  bcs @done
  sta P1 + O_SPEED, y
@done:
  rts
.endproc

.segment "DATA"
block_offset:
  .byte P1 - P1, P2 - P1
