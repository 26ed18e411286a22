; A round from its empty field to its end: modes 2, 3, 8, 4, 5 and 7, and the pause.
.include "ram.inc"
.include "routines.inc"

INTRO_FRAMES = 128
CLEAR_FRAMES = 64
BOX_FRAMES = 32
LOSS_FRAMES = 64 + 128
LAST_LEVEL = 24
PAUSED = 5

.segment "CODE"

; --- mode 2: the level screen ------------------------------------------------------------
.proc build_level
  lda #SCREEN_LEVEL
  jsr load_screen
  jsr reset_score
  lda #0
  sta P1 + O_WINS
  sta P2 + O_WINS
  lda #MODE_INIT
  sta mode
  rts
.endproc

; --- mode 3: level data; the generator is used from here on ------------------------------------
.proc init_level
  jsr clear_fields
  ldx #4
  jsr load_player
  jsr reset_block
  jsr fill_queue
  jsr load_next                 ; twice: slot 0 is passed over and comes last
  jsr load_next
  jsr save_player
  lda #0
  sta round_winner
  sta round_loser
  sta throw_step
  sta virus_tally
  sta virus_tally + 1
  sta virus_tally + 2
  lda #INTRO_FRAMES
  sta countdown
  lda #$FF
  sta pause_allowed
  sta level_sprites
  lda #1
  sta field_shown
  sta round_step                ; the intro first wipes the field on the screen
  lda #MODE_INTRO
  sta mode
  jmp hide_sprites
.endproc

; A fresh player block; level, speed and wins stay.
.proc reset_block
  lda P + O_LEVEL
  sta t0
  lda P + O_SPEED
  sta t1
  lda P + O_WINS
  sta t2
  ldx #BLOCK_SIZE - 1
  lda #0
: sta P, x
  dex
  bpl :-
  lda t2
  sta P + O_WINS
  lda t1
  sta P + O_SPEED
  ldx t0
  stx P + O_LEVEL
  lda virus_total, x
  sta P + O_TO_PLACE
  lda #LAST_ROW
  sta P + O_REDRAW
  sta P + O_Y
  lda #3
  sta P + O_X
  lda #1
  sta P + O_COUNT
  lda #2
  sta P + O_SIZE
  sta P + O_NEXT_SIZE
  lda #ACT_THROWING
  sta P + O_ACTION
  rts
.endproc

; --- mode 8: the viruses appear, one attempt a frame ----------------------------------------------
.proc intro
  ldx #4
  jsr load_player
  lda round_step
  beq @place
  lda P + O_REDRAW
  bpl @done
  lda #0
  sta round_step
@place:
  lda P + O_TO_PLACE
  beq @wait
  jsr place_virus
  jmp save_player
@wait:
  dec countdown
  beq @play
  lda countdown
  cmp #INTRO_FRAMES - 1
  bne :+
  lda #LAST_ROW                 ; the whole field once more
  sta P + O_REDRAW
: jmp save_player
@play:
  jsr save_player
  jsr copy_to_player_two
  lda #MODE_PLAY
  sta mode
@done:
  rts
.endproc

; --- mode 4: play, and the wait after a clear -------------------------------------------------------
.proc play
  lda P1 + O_LOST
  beq :+
  lda #MODE_TOPPED_OUT
  sta mode
  rts
: ldx #4
  jsr load_player
  lda round_step
  bne @won
  jsr capsule_frame
  lda P + O_VIRUSES
  bne :+
  jsr begin_clear
: jsr draw_level_sprites
  jmp save_player
@won:
  jsr after_clear
  jmp save_player
.endproc

.proc begin_clear
  inc P + O_WINS
  lda #CLEAR_FRAMES
  sta countdown
  lda #1
  sta round_step
  lda #0
  sta pause_allowed
  rts
.endproc

; round_step 1: the last cells vanish; 2: the box is drawn; 3: START brings the next level.
.proc after_clear
  lda round_step
  cmp #3
  beq @start
  lda countdown
  cmp #CLEAR_FRAMES
  bne :+
  jsr update_field
: dec countdown
  bne @done
  inc round_step
  lda round_step
  cmp #3
  beq @done
  lda #1
  sta round_winner
  lda #BOX_FRAMES
  sta countdown
  jmp show_stage_clear
@start:
  lda p1_pressed
  cmp #BTN_START
  bne @done
  lda P + O_LEVEL
  cmp #LAST_LEVEL
  bcs :+
  inc P + O_LEVEL
: lda #MODE_INIT
  sta mode
@done:
  rts
.endproc

; --- mode 5: one frame after a top-out -----------------------------------------------------------------
.proc topped_out
  lda #0
  sta pause_allowed
  lda #1
  sta round_step
  lda #LOSS_FRAMES
  sta countdown
  jsr keep_high_score
  lda #MODE_ROUND_OVER
  sta mode
  rts
.endproc

; --- mode 7: GAME OVER, START leads to the options --------------------------------------------------------
.proc round_over
  lda round_step
  cmp #2
  beq @start
  dec countdown
  bne @done
  inc round_step
  lda #2
  sta round_winner
  jsr hide_sprites
  jmp show_game_over
@start:
  lda p1_pressed
  cmp #BTN_START
  bne @done
  lda #CELL_BLANK
  jsr fill_fields
  lda #0
  sta level_sprites
  sta field_shown
  sta round_step
  sta option_row
  lda saved_level
  sta P1 + O_LEVEL
  lda #MODE_OPTIONS
  sta mode
@done:
  rts
.endproc

; --- pause: the mode stays, the main loop stays in here -------------------------------------------------------
.proc check_pause
  lda pause_allowed
  beq @done
  lda mode
  cmp #MODE_PLAY
  beq @look
  cmp #MODE_INTRO
  bne @done
@look:
  lda p1_pressed
  cmp #BTN_START
  bne @done
  lda #PAUSED
  sta pause_state
  lda #0
  sta level_sprites
  lda #MASK_SPRITES             ; no peeking
  sta ppu_mask
  jsr hide_sprites
  lda #<pause_text
  ldx #>pause_text
  jsr draw_text_sprites
@wait:
  jsr wait_frame
  jsr check_soft_reset
  lda p1_pressed
  cmp #BTN_START
  bne @wait
  lda #0
  sta pause_state
  lda #$FF
  sta level_sprites
  lda #MASK_ALL
  sta ppu_mask
  lda mode
  cmp #MODE_PLAY
  bne :+
  jmp draw_level_sprites
: jmp hide_sprites
@done:
  rts
.endproc

.segment "DATA"
pause_text:
  .byte 108, 119, $19, $0A, $1E, $1C, $0E, $FF
